import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

// How a password is kept: scrypt (RFC 7914), in one line without spaces.
//
//   scrypt$LOG2N$R$P$SALT$HASH      SALT and HASH in base64url, without padding

/** What is needed to know a password when it is shown. */
export interface PasswordHash {
  readonly cost: Cost;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

interface Cost {
  /** Binary logarithm of N. */
  readonly log2N: number;
  readonly r: number;
  readonly p: number;
}

/** Some 50 ms and 16 MiB for one try (RFC 7914 section 2: 128 · N · r bytes): slow for a guesser, not for a user. */
const COST: Cost = { log2N: 14, r: 8, p: 1 };

/** What a file may ask for: below, hashes are no protection; above, one try takes seconds and 256 MiB. */
const LOG2N = { min: 12, max: 17 };
const R = { min: 1, max: 16 };
const P = { min: 1, max: 4 };

const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** A new hash of it, with a salt of its own. */
export async function hashPassword(password: Uint8Array): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, { cost: COST, salt, length: HASH_BYTES });
  const { log2N, r, p } = COST;
  return ['scrypt', log2N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Null when the text is no such hash, or one of a cost that is out of bounds. */
export function parsePasswordHash(text: string): PasswordHash | null {
  const parts = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d)\$([\w-]{16,86})\$([\w-]{43,86})$/.exec(text);
  if (parts === null) return null;
  const [log2N = 0, r = 0, p = 0] = parts.slice(1, 4).map(Number);
  if (!within(log2N, LOG2N) || !within(r, R) || !within(p, P)) return null;
  const [salt, hash] = parts.slice(4).map((part) => Buffer.from(part, 'base64url'));
  return salt === undefined || hash === undefined ? null : { cost: { log2N, r, p }, salt, hash };
}

/** Takes the same time whichever way it ends. */
export async function isPassword({ cost, salt, hash }: PasswordHash, password: Uint8Array): Promise<boolean> {
  const derived = await derive(password, { cost, salt, length: hash.length });
  return timingSafeEqual(derived, hash);
}

/** What nobody's password leads to, so that an unknown name takes as long as a known one. */
export function hashOfNobody(): PasswordHash {
  return { cost: COST, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
}

interface Derivation {
  readonly cost: Cost;
  readonly salt: Buffer;
  readonly length: number;
}

function derive(password: Uint8Array, { cost, salt, length }: Derivation): Promise<Buffer> {
  const N = 2 ** cost.log2N;
  const options = { N, r: cost.r, p: cost.p, maxmem: 128 * N * cost.r + 128 * cost.r * cost.p + 65_536 };
  // Rejects only for parameters that are out of bounds, which ours are not.
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

const within = (value: number, { min, max }: { min: number; max: number }): boolean => value >= min && value <= max;
