import { parseAddress } from '@hurricane/core';
import { bytesOfAddress, textOfAddress } from '../address-bytes.js';

/** What a client calls its destination. */
export type Named =
  | { readonly kind: 'address'; readonly address: string }
  /** In lower case, without the closing dot. */
  | { readonly kind: 'name'; readonly name: string };

/** RFC 1035 section 3.1: 255 bytes on the wire, which are 253 characters of text. */
const LONGEST_NAME = 253;

/** RFC 1035 section 2.3.4; RFC 2181 section 11 lets any character in, `_` is the one that is met. */
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * The text of a name field, read strictly. Null when it is neither a name nor an address.
 *
 * An address in the four usual decimal parts or in colons, with or without brackets, is that address. What old
 * libraries also take for an IPv4 address (`0x7f.1`, `2130706433`) is refused: nobody may come to
 * mean 127.0.0.1 by a way that rules for names do not see.
 */
export function readName(text: string): Named | null {
  const bare = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  const address = addressIn(bare);
  if (address !== null) return { kind: 'address', address };
  if (bare !== text) return null;
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name.length > LONGEST_NAME) return null;
  const labels = name.split('.');
  if (!labels.every((label) => LABEL.test(label))) return null;
  return endsInNumber(labels) ? null : { kind: 'name', name };
}

/** Canonical text; an IPv4-mapped address is the IPv4 address. Null when the text is no address. */
export function addressIn(text: string): string | null {
  const parsed = parseAddress(text);
  const bytes = parsed.isOk() ? bytesOfAddress(parsed.value) : null;
  return bytes === null ? null : textOfAddress(bytes);
}

/** URL Standard, "ends in a number": no top-level domain is one, so it can only be meant as an address. */
function endsInNumber(labels: readonly string[]): boolean {
  return /^([0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '');
}
