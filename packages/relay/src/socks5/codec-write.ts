import { bytesOfAddress } from '../address-bytes.js';
import type { Endpoint } from '../contracts.js';
import {
  ADDRESS_TYPES,
  LONGEST_DATAGRAM_HEADER,
  METHODS,
  type Method,
  PASSWORD_VERSION,
  REPLIES,
  type Reply,
  SOCKS_VERSION,
} from './codec.js';

/** RFC 1928 section 3: the method that was chosen. */
export function writeMethod(method: Method): Uint8Array {
  return Uint8Array.of(SOCKS_VERSION, METHODS[method]);
}

/** RFC 1929 section 2: any status but 0 is a refusal. */
export function writeVerdict(accepted: boolean): Uint8Array {
  return Uint8Array.of(PASSWORD_VERSION, accepted ? 0 : 1);
}

/**
 * RFC 1928 section 6. A failure has no address to tell, and gets the IPv4 one of all zeros: clients
 * read a reply of full length whatever it says.
 */
export function writeReply(reply: Reply, bound: Endpoint | null): Uint8Array {
  const place = placeOf(bound ?? NOWHERE);
  const bytes = new Uint8Array(3 + place.length);
  bytes[0] = SOCKS_VERSION;
  bytes[1] = REPLIES[reply];
  bytes.set(place, 3);
  return bytes;
}

/** Tor's answer to RESOLVE_PTR: a name where others have an address. At most 255 characters, one byte each. */
export function writeNameReply(name: string): Uint8Array {
  const bytes = Array.from(name, (c) => c.charCodeAt(0) & 0xff).slice(0, 255);
  return Uint8Array.of(SOCKS_VERSION, REPLIES.succeeded, 0, ADDRESS_TYPES.name, bytes.length, ...bytes, 0, 0);
}

/** RFC 1928 section 7: a datagram that came from `from`, as its client gets it. */
export function writeDatagram(from: Endpoint, payload: Uint8Array): Uint8Array {
  const place = placeOf(from);
  const datagram = new Uint8Array(3 + place.length + payload.length);
  datagram.set(place, 3);
  datagram.set(payload, 3 + place.length);
  return datagram;
}

/** udp(7) and RFC 768: 65,535 less the headers of IPv4 and UDP. IPv6 could carry 20 more, clients could not. */
const LONGEST_DATAGRAM = 65_507;

/** Payloads up to this fit into a datagram to a client, whatever is in front of them. */
export const LONGEST_PAYLOAD: number = LONGEST_DATAGRAM - LONGEST_DATAGRAM_HEADER;

const NOWHERE: Endpoint = { address: '0.0.0.0', port: 0 };

/** ATYP, address and port. An address that cannot be written is all zeros. */
function placeOf({ address, port }: Endpoint): Uint8Array {
  const bytes = bytesOfAddress(address) ?? new Uint8Array(4);
  const place = new Uint8Array(1 + bytes.length + 2);
  place[0] = bytes.length === 4 ? ADDRESS_TYPES.ipv4 : ADDRESS_TYPES.ipv6;
  place.set(bytes, 1);
  place[1 + bytes.length] = port >> 8;
  place[2 + bytes.length] = port;
  return place;
}
