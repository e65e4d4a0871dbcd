import type { Millis } from '@hurricane/core';
import type { ResultAsync } from 'neverthrow';
import type { Signal } from '../signal.js';
import { addressIn } from './name.js';

export type Family = 4 | 6;

export type NameError =
  /** There is no such name. */
  | { readonly kind: 'not_found' }
  /** The name exists and has no address of a kind that may be used. */
  | { readonly kind: 'no_addresses' }
  | { readonly kind: 'not_a_name' }
  | { readonly kind: 'timed_out'; readonly after: Millis }
  /** So many lookups are under way already. */
  | { readonly kind: 'busy'; readonly limit: number }
  | { readonly kind: 'aborted' }
  /** `code`: as c-ares names it, such as `ESERVFAIL`. */
  | { readonly kind: 'failed'; readonly code: string };

/** Finds the addresses of a name, one family at a time, so that a slow answer of one does not hold up the other. */
export interface Resolver {
  /**
   * The addresses of that family in the order of the answer, which is somebody else's text (`usableAddresses`). A name
   * that exists without any is an empty list. Settles within a named time, and promptly once `signal` aborts.
   */
  resolve(name: string, family: Family, signal: Signal): ResultAsync<readonly string[], NameError>;
  /** The names that an address has. Empty: none. */
  reverse(address: string, signal: Signal): ResultAsync<readonly string[], NameError>;
}

/** Of an answer: only addresses of the family that was asked for, in canonical text, each once, and not too many. */
export function usableAddresses(texts: readonly string[], family: Family): readonly string[] {
  const addresses = texts.slice(0, TEXTS_AT_MOST).flatMap((text) => addressIn(text) ?? []);
  const fitting = addresses.filter((address) => address.includes(':') === (family === 6));
  return [...new Set(fitting)].slice(0, ADDRESSES_AT_MOST);
}

/** Of one answer. A DNS message of 64 KiB could hold two thousand. */
const TEXTS_AT_MOST = 256;

/** Of one family. RFC 8305 tries them 250 ms apart: a connection that has tried eight has waited long enough. */
export const ADDRESSES_AT_MOST = 8;
