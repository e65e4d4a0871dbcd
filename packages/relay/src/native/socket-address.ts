import { networkInterfaces } from 'node:os';
import { bytesOfAddress, textOfAddress } from '../address-bytes.js';
import type { Endpoint } from '../contracts.js';
import { AF_INET, AF_INET6 } from './sys.js';

// `struct sockaddr_in` (ip(7)) and `sockaddr_in6` (ipv6(7)): family in the machine's order, port in the network's.

const V4_BYTES = 16;
const V6_BYTES = 28;

/** As bind(2) and connect(2) want it; null when it is no address. */
export function socketAddressOf({ address, port }: Endpoint): Uint8Array | null {
  const bytes = bytesOfAddress(address);
  if (bytes === null) return null;
  const isV4 = bytes.length === 4;
  // A view would move these few bytes out of V8's heap, to be collected by other means.
  const made = new Uint8Array(isV4 ? V4_BYTES : V6_BYTES);
  made[0] = isV4 ? AF_INET : AF_INET6;
  made[2] = port >> 8;
  made[3] = port;
  made.set(bytes, isV4 ? 4 : 8);
  const scope = isV4 ? 0 : scopeOf(address);
  for (let i = 0; scope > 0 && i < 4; i += 1) made[24 + i] = scope >>> (8 * i);
  return made;
}

/** `at`: where in those bytes it begins. */
export function familyOf(socketAddress: Uint8Array, at = 0): number {
  return (socketAddress[at] ?? 0) | ((socketAddress[at + 1] ?? 0) << 8);
}

/** Any address of that family, and a port of the kernel's choice. */
export function anywhere(family: number): Uint8Array {
  const made = new Uint8Array(family === AF_INET ? V4_BYTES : V6_BYTES);
  made[0] = family;
  return made;
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Whether two are of one address, whatever their ports. */
export function isSameAddress(a: Uint8Array, b: Uint8Array): boolean {
  const isV4 = familyOf(a) === AF_INET;
  if (familyOf(b) !== familyOf(a)) return false;
  for (let i = isV4 ? 4 : 8, end = isV4 ? 8 : 24; i < end; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** What the kernel wrote, of which it may have left out the end for want of room. */
export function endpointOf(bytes: Uint8Array): Endpoint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isV4 = familyOf(bytes) === AF_INET;
  const address = textOfAddress(isV4 ? bytes.subarray(4, 8) : bytes.subarray(8, 24));
  const scope = isV4 ? 0 : view.getUint32(24, true);
  return { address: scope === 0 ? address : `${address}%${nameOfScope(scope)}`, port: view.getUint16(2) };
}

/** RFC 4007 section 11: `fe80::1%eth0` or `fe80::1%3`. */
function scopeOf(address: string): number {
  const [, zone] = address.split('%');
  if (zone === undefined) return 0;
  if (/^\d+$/.test(zone)) return Number(zone);
  return networkInterfaces()[zone]?.find(({ family }) => family === 'IPv6')?.scopeid ?? 0;
}

function nameOfScope(scope: number): string {
  const found = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some((address) => address.family === 'IPv6' && address.scopeid === scope),
  );
  return found?.[0] ?? String(scope);
}
