import { ADDRESS_TYPES } from '../socks5/codec.js';
import { familyOf } from './socket-address.js';
import { AF_INET } from './sys.js';

// RFC 1928 section 7, of an address: RSV twice, FRAG, ATYP, 4 or 16 bytes, and the port.

const IPV4_HEADER = 10;
const IPV6_HEADER = 22;

/** How much room the longest one takes. */
export const LONGEST_LITERAL_HEADER: number = IPV6_HEADER;

/** How long the header is that a datagram of `length` begins with at `at`; 0: it has none of an address, or FRAG. */
export function literalHeader(memory: Uint8Array, at: number, length: number): number {
  if (length < IPV4_HEADER || memory[at] !== 0 || memory[at + 1] !== 0 || memory[at + 2] !== 0) return 0;
  if (memory[at + 3] === ADDRESS_TYPES.ipv4) return IPV4_HEADER;
  return memory[at + 3] === ADDRESS_TYPES.ipv6 && length >= IPV6_HEADER ? IPV6_HEADER : 0;
}

/** Writes, in front of `end`, that a datagram came from the socket address at `name`. Answers with how long that is. */
export function writeHeader(memory: Uint8Array, name: number, end: number): number {
  const isV4 = familyOf(memory, name) === AF_INET;
  const length = isV4 ? IPV4_HEADER : IPV6_HEADER;
  const at = end - length;
  for (let k = 0; k < 3; k += 1) memory[at + k] = 0;
  memory[at + 3] = isV4 ? ADDRESS_TYPES.ipv4 : ADDRESS_TYPES.ipv6;
  copy(memory, name + (isV4 ? 4 : 8), at + 4, length - 6);
  copy(memory, name + 2, end - 2, 2);
  return length;
}

/** Few bytes: a call of V8's own would take longer than they do. */
function copy(memory: Uint8Array, from: number, to: number, length: number): void {
  for (let k = 0; k < length; k += 1) memory[to + k] = memory[from + k] ?? 0;
}
