/** JSON-RPC 2.0 section 5.1. */
const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const INVALID_PARAMS = -32_602;
/** Section 5.1 leaves -32000 to -32099 to servers. */
const SERVER_BUSY = -32_000;

/** MCP, "Requests": a string or an integer, and not null. */
export type MessageId = string | number;

/** One message as JSON-RPC has it; nothing is known of what it is about. */
export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: MessageId;
  readonly method?: string;
  readonly [member: string]: unknown;
}

export type Frame =
  | { readonly kind: 'message'; readonly message: Message }
  /** An empty line. */
  | { readonly kind: 'blank' }
  /** It cannot be taken for a message, and this is the answer to it. */
  | { readonly kind: 'bad'; readonly answer: Refusal };

export interface Refusal {
  readonly jsonrpc: '2.0';
  /** Null where none could be read (JSON-RPC 2.0 section 5). */
  readonly id: MessageId | null;
  readonly error: { readonly code: number; readonly message: string };
}

/** What a line says. */
export function readFrame(line: Uint8Array): Frame {
  let text: string;
  try {
    // Its own for each line: a fatal decoder that has failed is in no state to be relied on.
    text = new TextDecoder('utf-8', { fatal: true }).decode(line);
  } catch {
    return bad(PARSE_ERROR, 'The line is not UTF-8.');
  }
  if (text.trim() === '') return { kind: 'blank' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad(PARSE_ERROR, 'The line is not JSON: one message stands on one line.');
  }
  return frameOf(value);
}

function frameOf(value: unknown): Frame {
  if (Array.isArray(value)) return bad(INVALID_REQUEST, 'Batches are not taken: send one message a line.');
  if (typeof value !== 'object' || value === null) return bad(INVALID_REQUEST, 'A message is a JSON object.');
  const message = value as Record<string, unknown>;
  const { id, method, params } = message;
  const known = isId(id) ? id : null;
  if (message['jsonrpc'] !== '2.0') return bad(INVALID_REQUEST, '"jsonrpc" must be "2.0".', known);
  if ('id' in message && known === null) return bad(INVALID_REQUEST, '"id" must be a string or a whole number.');
  if ('method' in message) {
    if (typeof method !== 'string') return bad(INVALID_REQUEST, '"method" must be a string.', known);
    if ('params' in message && (typeof params !== 'object' || params === null || Array.isArray(params)))
      return bad(INVALID_PARAMS, '"params" must be an object.', known);
    return { kind: 'message', message: message as unknown as Message };
  }
  const answers = known !== null && ('result' in message || 'error' in message);
  if (!answers) return bad(INVALID_REQUEST, 'A message has a "method", or an "id" and a "result" or "error".', known);
  return { kind: 'message', message: message as unknown as Message };
}

const isId = (id: unknown): id is MessageId => typeof id === 'string' || Number.isSafeInteger(id);

function bad(code: number, message: string, id: MessageId | null = null): Frame {
  return { kind: 'bad', answer: refusal(code, message, id) };
}

const refusal = (code: number, message: string, id: MessageId | null): Refusal => ({
  jsonrpc: '2.0',
  id,
  error: { code, message },
});

export const tooLong = (limit: number): Refusal =>
  refusal(INVALID_REQUEST, `The line has more than ${limit} bytes; the connection ends here.`, null);

export const idInUse = (id: MessageId): Refusal =>
  refusal(INVALID_REQUEST, 'A request with this "id" is still being answered.', id);

export const noRequest = (id: MessageId): Refusal =>
  refusal(INVALID_REQUEST, 'A request has "jsonrpc", "id", "method" and "params", in which "_meta" is an object.', id);

export const tooMany = (limit: number): Refusal =>
  refusal(SERVER_BUSY, `There are ${limit} connections, which is as many as there can be. Close one first.`, null);

export const notLoaded: Refusal = refusal(SERVER_BUSY, 'The MCP server could not be loaded; the log says more.', null);
