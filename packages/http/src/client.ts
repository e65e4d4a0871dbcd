import type { Millis } from '@hurricane/core';
import { hc } from 'hono/client';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { GatewayApp } from './app.js';
import type { ProblemDocument } from './problem-document.js';

/** The API as typed functions, from the app's own type: `client.tunnels[':name'].up.$post({ param: { name } })`. */
export type ApiClient = ReturnType<typeof hc<GatewayApp>>;

export interface ClientOptions {
  /** What the file that `api_token_file` names holds. */
  readonly token?: string;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** How long an answer may take. Default: 3 s; it is made from memory, within milliseconds. */
  readonly deadline?: Millis;
}

/** Why there is no document. */
export type ClientFault =
  /** Nobody answers, or not in time. `cause` is what fetch threw. */
  | { readonly kind: 'no_answer'; readonly cause: unknown }
  /** The gateway says why not. */
  | { readonly kind: 'problem'; readonly problem: ProblemDocument }
  /** Whoever answers is no gateway. */
  | { readonly kind: 'foreign'; readonly status: number }
  | { readonly kind: 'too_long'; readonly limit: number };

const DEADLINE: Millis = 3_000;

/** Bytes of one document: the largest configuration's tunnels need a tenth of it. */
export const MAX_ANSWER = 2_097_152;

/** @param base such as `http://127.0.0.1:8642`, and where the app is mounted. */
export function apiClient(base: string, options: ClientOptions = {}): ApiClient {
  const { token, fetch: ask = fetch, deadline = DEADLINE } = options;
  return hc<GatewayApp>(base, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    fetch: (input: string | URL | Request, init?: RequestInit) =>
      ask(input, { ...init, redirect: 'error', signal: AbortSignal.timeout(deadline) }),
  });
}

/** As much as is looked at of what the client's functions resolve to. */
interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream | null;
  json(): Promise<unknown>;
}

/** The document of an answer that is none of the problems. */
export type DocumentOf<R> = R extends { json(): Promise<infer T> } ? Exclude<T, ProblemDocument> : never;

/**
 * What was asked for, or why it is not there. Bounded in size, whoever answers.
 *
 * @example
 * const health = await documentOf(apiClient('http://127.0.0.1:8642').health.$get());
 */
export function documentOf<R extends Answered>(asked: Promise<R>): ResultAsync<DocumentOf<R>, ClientFault> {
  return new ResultAsync(read(asked));
}

async function read<R extends Answered>(asked: Promise<R>): Promise<Result<DocumentOf<R>, ClientFault>> {
  try {
    const answer = await asked;
    const text = await textOf(answer.body);
    if (text === null) return err({ kind: 'too_long', limit: MAX_ANSWER });
    const type = answer.headers.get('content-type') ?? '';
    const document: unknown = /^application\/(problem\+)?json\b/.test(type) ? JSON.parse(text) : null;
    if (answer.status >= 400 && isProblem(document)) return err({ kind: 'problem', problem: document });
    if (answer.status >= 300 || document === null) return err({ kind: 'foreign', status: answer.status });
    return ok(document as DocumentOf<R>);
  } catch (cause) {
    return cause instanceof SyntaxError ? err({ kind: 'foreign', status: 200 }) : err({ kind: 'no_answer', cause });
  }
}

function isProblem(document: unknown): document is ProblemDocument {
  return typeof document === 'object' && document !== null && 'detail' in document && 'kind' in document;
}

/** Null when it is too long. */
async function textOf(body: ReadableStream | null): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  const reader = body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    bytes += (next.value as Uint8Array).byteLength;
    if (bytes > MAX_ANSWER) {
      await reader?.cancel();
      return null;
    }
    text += decoder.decode(next.value as Uint8Array, { stream: true });
  }
  return text + decoder.decode();
}
