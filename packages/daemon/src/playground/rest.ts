import { get } from 'node:http';
import type { Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { codeOf, type PlaygroundError } from './problems.js';

/** The gateway answers from memory; a second is a machine in trouble. */
const ANSWER_LIMIT: Millis = 2_000;

/** Bytes read of one document; two tunnels take one. */
const DOCUMENT_LIMIT = 1_048_576;

/** Reads one of the gateway's own documents over its REST API. */
export function readDocument<T>(url: string): ResultAsync<T, PlaygroundError> {
  return new ResultAsync(
    new Promise<Result<T, PlaygroundError>>((resolve) => {
      const fail = (cause: unknown): void =>
        resolve(err({ kind: 'system', doing: `read ${url}`, code: codeOf(cause) }));
      const request = get(url, { signal: AbortSignal.timeout(ANSWER_LIMIT), agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          if (text.length > DOCUMENT_LIMIT) response.destroy(new Error('too long'));
        });
        response.on('error', fail);
        response.on('end', () => {
          if (response.statusCode !== 200) return fail(new Error(`status ${response.statusCode}`));
          // Our own server's document, so its type is known.
          resolve(ok(JSON.parse(text) as T));
        });
      });
      request.on('error', fail);
    }),
  );
}
