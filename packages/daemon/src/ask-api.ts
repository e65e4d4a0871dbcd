import type { Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';

/** Why there is no document. `problem` completes "the daemon at … ". */
export interface ApiFault {
  readonly url: string;
  readonly problem: string;
}

/** @param token shown when the API asks for one. */
export type Ask = (url: string, token?: string | null) => ResultAsync<unknown, ApiFault>;

/** The API answers from memory, within milliseconds. */
const DEADLINE: Millis = 3_000;

/** Bytes of one document: the largest configuration's tunnels need a tenth of it. */
export const MAX_DOCUMENT = 2_097_152;

/** GETs a JSON document. Bounded in time and size, whatever answers. */
export const askApi: Ask = (url, token = null) => new ResultAsync(get(url, token));

async function get(url: string, token: string | null): Promise<Result<unknown, ApiFault>> {
  try {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(DEADLINE), redirect: 'error' });
    const text = await textOf(response);
    if (text === null) return err({ url, problem: `answered with more than ${MAX_DOCUMENT} bytes` });
    if (!response.ok) return err({ url, problem: `answered with status ${response.status}` });
    return parse(url, text);
  } catch (thrown) {
    return err({ url, problem: networkProblemOf(thrown) });
  }
}

/** Null when it is too long. */
async function textOf(response: Response): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > MAX_DOCUMENT) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function parse(url: string, text: string): Result<unknown, ApiFault> {
  try {
    return ok(JSON.parse(text));
  } catch {
    return err({ url, problem: 'answered with something that is not JSON' });
  }
}

/**
 * Completes "the daemon at … ".
 *
 * fetch says `fetch failed` and keeps the reason in `cause`; an address tried twice makes it an AggregateError.
 */
export function networkProblemOf(thrown: unknown): string {
  const error = thrown as {
    readonly name?: string;
    readonly cause?: { readonly code?: string; readonly message?: string };
  };
  if (error.name === 'TimeoutError') return `did not answer within ${DEADLINE / 1000} s`;
  switch (error.cause?.code) {
    case 'ECONNREFUSED':
      return 'is not there: nothing listens at that address';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'is not there: that name has no address';
    default:
      return `cannot be asked (${error.cause?.code ?? error.cause?.message ?? error.name ?? 'unknown reason'})`;
  }
}
