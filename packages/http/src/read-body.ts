import { err, ok, Result } from 'neverthrow';
import { duplicateKey } from './duplicate-key.js';
import type { ApiProblem } from './problems.js';

/** Bytes of a body. The largest a client has reason to send is a configuration of 256 tunnels, a third of this. */
export const BODY_LIMIT = 65_536;

const MEDIA_TYPES = {
  'application/json': /^application\/json\s*(;|$)/i,
  'text/plain': /^text\/plain\s*(;|$)/i,
} as const;

/** Reads the body of a request as text, if it is of that type, not encoded and not too long. */
export async function readText(
  request: Request,
  wanted: keyof typeof MEDIA_TYPES,
): Promise<Result<string, ApiProblem>> {
  const { headers } = request;
  const given = headers.get('content-type');
  if (given === null || !MEDIA_TYPES[wanted].test(given) || !isUtf8(given))
    return err({ kind: 'wrong_media_type', given, wanted });
  const encoding = headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') return err({ kind: 'encoded_body', encoding });
  const tooLarge: ApiProblem = { kind: 'body_too_large', limit: BODY_LIMIT };
  // Number() of what is no number is NaN, which is not larger: then the bytes themselves are counted.
  if (Number(headers.get('content-length')) > BODY_LIMIT) return err(tooLarge);
  const bytes = await bytesOf(request);
  if (bytes === 'too_large') return err(tooLarge);
  if (bytes === 'cut_short') return err({ kind: 'unreadable_body', problem: 'did not arrive in full' });
  return decode(bytes);
}

/** Reads JSON. Errs with what no sender means: twice the same member, or bytes that are no text. */
export async function readJson(request: Request): Promise<Result<unknown, ApiProblem>> {
  const text = await readText(request, 'application/json');
  return text.andThen((json) => {
    if (json.trim() === '') return unreadable('is empty, where JSON belongs');
    return parseJson(json).andThen((value) => {
      const twice = duplicateKey(json);
      return twice === null ? ok(value) : unreadable(`has the member ${twice} more than once`);
    });
  });
}

const unreadable = (problem: string): Result<never, ApiProblem> => err({ kind: 'unreadable_body', problem });

const parseJson: (text: string) => Result<unknown, ApiProblem> = Result.fromThrowable(
  (text: string): unknown => JSON.parse(text),
  (): ApiProblem => ({ kind: 'unreadable_body', problem: 'is not JSON' }),
);

/** A mark at the beginning stays in the text, where JSON does not allow it (RFC 8259 section 8.1). */
const decode: (bytes: Uint8Array) => Result<string, ApiProblem> = Result.fromThrowable(
  (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
  (): ApiProblem => ({ kind: 'unreadable_body', problem: 'is not UTF-8 text' }),
);

function isUtf8(type: string): boolean {
  const [, charset] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type) ?? [];
  return charset === undefined || /^utf-?8$/i.test(charset);
}

async function bytesOf(request: Request): Promise<Uint8Array | 'too_large' | 'cut_short'> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.byteLength;
      if (length > BODY_LIMIT) return 'too_large';
      parts.push(next.value);
    }
  } catch {
    // The client has gone, or has taken longer than the server gives it.
    return 'cut_short';
  }
  return joined(parts, length);
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}
