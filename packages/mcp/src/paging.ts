import { err, ok, type Result } from 'neverthrow';
import type { RpcFault } from './dispatcher.js';

/** Rows in one answer: every list of ours fits, and a client that pages is served all the same. */
const ROWS_AT_MOST = 50;

/** JSON-RPC 2.0 section 5.1; an unknown cursor is one (MCP, "Pagination"). */
const INVALID_PARAMS = -32_602;

export type Page<Key extends string, Row> = { readonly [K in Key]: readonly Row[] } & { readonly nextCursor?: string };

/** @param cursor where the page before ended, as it was told; undefined: the first page. */
export function pageOf<Key extends string, Row>(
  key: Key,
  rows: readonly Row[],
  cursor: unknown,
): Result<Page<Key, Row>, RpcFault> {
  const from = cursor === undefined ? 0 : placeIn(cursor);
  if (from === null || from > rows.length || (from === rows.length && from > 0))
    return err({ code: INVALID_PARAMS, message: 'The cursor is not one of this list: begin without one.' });
  const next = from + ROWS_AT_MOST;
  const page = { [key]: rows.slice(from, next), ...(next < rows.length ? { nextCursor: `row-${next}` } : {}) };
  // The key is the caller's, which TypeScript forgets when it makes an object of it.
  return ok(page as Page<Key, Row>);
}

function placeIn(cursor: unknown): number | null {
  const place = /^row-([1-9][0-9]{0,5})$/.exec(typeof cursor === 'string' ? cursor : '')?.[1];
  return place === undefined ? null : Number(place);
}
