import { createHash, timingSafeEqual } from 'node:crypto';
import { err, ok, type Result } from 'neverthrow';

/** Why a text is no token. Says nothing of the text itself. */
export type TokenFlaw = 'empty' | 'too_short' | 'too_long' | 'unusable';

/** Characters of a token: 16 random ones of base64 are 96 bits; a header field has to hold the longest. */
const SHORTEST = 16;
const LONGEST = 512;

/** The secret that a client shows. Kept as its digest only, so that no log, dump or document can tell it. */
export class BearerToken {
  readonly #digest: Buffer;

  private constructor(digest: Buffer) {
    this.#digest = digest;
  }

  /** @param text what a file holds: the token, and perhaps the end of its line. */
  static of(text: string): Result<BearerToken, TokenFlaw> {
    const token = text.replace(/\r?\n$/, '');
    if (token === '') return err('empty');
    // RFC 6750 section 2.1: `b64token` is what an Authorization field can hold.
    if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) return err('unusable');
    if (token.length < SHORTEST) return err('too_short');
    if (token.length > LONGEST) return err('too_long');
    return ok(new BearerToken(digestOf(token)));
  }

  /** Takes the same time for every text of one length: digests are compared, and as a whole. */
  matches(presented: string): boolean {
    return timingSafeEqual(digestOf(presented), this.#digest);
  }
}

/** Completes "the token …". */
export function describeTokenFlaw(flaw: TokenFlaw): string {
  switch (flaw) {
    case 'empty':
      return 'is missing: the file is empty';
    case 'too_short':
      return `is shorter than ${SHORTEST} characters and could be guessed`;
    case 'too_long':
      return `is longer than ${LONGEST} characters`;
    case 'unusable':
      return 'must be one line of letters, digits and -._~+/, with = at its end only';
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
