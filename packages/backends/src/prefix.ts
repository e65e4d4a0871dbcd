import { isIPv6 } from 'node:net';

const GROUPS = 8;

/**
 * A key that is equal for equal networks, however their addresses are written: `2001:db8::2/64` and
 * `2001:DB8:0::/64` have the same. Null when `address` is not IPv6.
 */
export function networkKey(address: string, length: number): string | null {
  if (!isIPv6(address) || address.includes('%')) return null;
  // The URL parser writes every IPv6 address the same way, hexadecimal groups only (WHATWG URL, IPv6 serializer).
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = Array.from({ length: GROUPS - front.length - back.length }, () => '0');
  const bits = [...front, ...middle, ...back].map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'));
  return `${bits.join('').slice(0, length)}/${length}`;
}

/** The same for `network/length` as `ip` prints it; `default` is every address, no length is one address. */
export function prefixKey(text: string): string | null {
  if (text === 'default' || text === 'all') return networkKey('::', 0);
  const [address = '', length = '128'] = text.split('/');
  return networkKey(address, Number(length));
}

/** Whether all of `inner` is part of `outer`, both `network/length`. */
export function isWithin(inner: string, outer: string): boolean {
  const [key, bits] = [prefixKey(inner), (prefixKey(outer) ?? '?').split('/')[0] ?? '?'];
  return key !== null && key.split('/')[0]?.startsWith(bits) === true;
}

/** Whether two addresses are one, whatever way they are written. Null equals only null. */
export function sameAddress(a: string | null, b: string | null): boolean {
  if (a === null || b === null) return a === b;
  return a === b || (networkKey(a, 128) ?? a) === (networkKey(b, 128) ?? b);
}
