import { err, ok, Result, ResultAsync } from 'neverthrow';
import { duplicateKey } from './duplicate-key.js';
import type { ApiProblem } from './problems.js';

type TextType = 'application/json' | 'text/plain';

const MEDIA_TYPES: Readonly<Record<TextType, RegExp>> = {
  'application/json': /^application\/json\s*(;|$)/i,
  'text/plain': /^text\/plain\s*(;|$)/i,
};

/** Reads the body of a request as text, if it is of that type and not encoded. `admission` has bounded its length. */
export async function readText(request: Request, wanted: TextType): Promise<Result<string, ApiProblem>> {
  const { headers } = request;
  const given = headers.get('content-type');
  if (given === null || !MEDIA_TYPES[wanted].test(given) || !isUtf8(given))
    return err({ kind: 'wrong_media_type', given, wanted });
  const encoding = headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') return err({ kind: 'encoded_body', encoding });
  const bytes = await ResultAsync.fromPromise(
    request.arrayBuffer(),
    // The client has gone, or has taken longer than the server gives it.
    (): ApiProblem => ({ kind: 'unreadable_body', problem: 'did not arrive in full' }),
  );
  return bytes.andThen(decode);
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
const decode: (bytes: ArrayBuffer) => Result<string, ApiProblem> = Result.fromThrowable(
  (bytes: ArrayBuffer) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
  (): ApiProblem => ({ kind: 'unreadable_body', problem: 'is not UTF-8 text' }),
);

function isUtf8(type: string): boolean {
  const [, charset] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type) ?? [];
  return charset === undefined || /^utf-?8$/i.test(charset);
}
