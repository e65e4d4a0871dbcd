import ipaddr from 'ipaddr.js';
import { err, ok, type Result } from 'neverthrow';

// What is wrong is told as the end of a sentence that starts with the text itself: `is not an IPv4 address`.

/** An address, a network, or an address with the length of its network. */
export interface Ipv6Prefix {
  /** Canonical text (RFC 5952); host bits are kept as written. */
  readonly address: string;
  /** 1 to 128. Null when the text gives none. */
  readonly length: number | null;
}

/** An address, or the network of all that begin with the same bits. */
export interface AddressRange {
  /** Canonical text; of a network, its first address. */
  readonly address: string;
  /** How many bits count, from the first one on: 0 to 32 or 128. */
  readonly length: number;
}

/** What an address is for, as far as a gateway minds. */
export type AddressKind =
  | 'unicast'
  | 'unspecified'
  | 'loopback'
  | 'link_local'
  | 'multicast'
  | 'broadcast'
  | 'ipv4_mapped';

export const LONGEST_PREFIX = 128;

/** RFC 6164: from /127 on there is no room for a network address, so all zeros is a host like any other. */
export const LONGEST_NETWORK = 126;

const LAST_PORT = 65_535;

/** The longest IPv6 text there is: six groups of four and a dotted IPv4 address. */
const LONGEST_TEXT = 45;

/** Four decimal parts and nothing else: no octal, no hexadecimal, no missing parts. */
export function parseIpv4(text: string): Result<string, string> {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ok(text);
  if (isIpv6(text)) return err('is an IPv6 address where an IPv4 address such as 192.0.2.1 belongs');
  if (text.includes('/')) return err('is not a single IPv4 address: leave out the "/" and what follows');
  return err('is not an IPv4 address such as 192.0.2.1');
}

/** Gives canonical text (RFC 5952). Zone ids (`%eth0`) are refused: they mean nothing on another host. */
export function parseIpv6(text: string): Result<string, string> {
  const canonical = canonicalIpv6(text);
  if (canonical !== null) return ok(canonical);
  if (ipaddr.IPv4.isValidFourPartDecimal(text))
    return err('is an IPv4 address where an IPv6 address such as 2001:db8::1 belongs');
  if (text.includes('%')) return err('names an interface after "%": give the address alone');
  if (text.includes('/')) return err('is not a single IPv6 address: leave out the "/" and what follows');
  return err('is not an IPv6 address such as 2001:db8::1');
}

/** Either family. */
export function parseAddress(text: string): Result<string, string> {
  const v4 = parseIpv4(text);
  if (v4.isOk()) return v4;
  const v6 = parseIpv6(text);
  if (v6.isOk() || /[%/]/.test(text)) return v6;
  return err('is not an IPv4 or IPv6 address');
}

/** `2001:db8::2`, `2001:db8::/64` or `2001:db8::2/64`. Errs with everything that is wrong. */
export function parseIpv6Prefix(text: string): Result<Ipv6Prefix, readonly string[]> {
  const slash = text.indexOf('/');
  const address = parseIpv6(slash === -1 ? text : text.slice(0, slash).trimEnd());
  const length = slash === -1 ? null : prefixLengthOf(text.slice(slash + 1).trimStart());
  const wrongs: string[] = [];
  if (address.isErr()) wrongs.push(address.error);
  if (length === undefined) wrongs.push(`has no prefix length from 1 to ${LONGEST_PREFIX} after its "/"`);
  if (address.isErr() || length === undefined) return err(wrongs);
  return ok({ address: address.value, length });
}

/** `192.0.2.1`, `192.0.2.0/24` or `2001:db8::/32`. A network has to begin where it begins. */
export function parseAddressRange(text: string): Result<AddressRange, string> {
  const [, bare = '', suffix] = /^([^/]*)(?:\/(.*))?$/s.exec(text) ?? [];
  const parsed = parseAddress(bare);
  if (parsed.isErr()) return err('is neither an address nor a network such as 192.0.2.0/24 or 2001:db8::/32');
  if (addressKind(parsed.value) === 'ipv4_mapped')
    return err('is an IPv4 address in IPv6 clothes: write it as an IPv4 address');
  const isV4 = !parsed.value.includes(':');
  const bits = isV4 ? 32 : LONGEST_PREFIX;
  if (suffix === undefined) return ok({ address: parsed.value, length: bits });
  if (!/^(0|[1-9][0-9]{0,2})$/.test(suffix) || Number(suffix) > bits)
    return err(`has no prefix length from 0 to ${bits} after its "/"`);
  const cidr = `${parsed.value}/${suffix}`;
  const first = isV4
    ? ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(cidr).toRFC5952String();
  if (first !== parsed.value) return err(`is no network: that begins with ${first}/${suffix}`);
  return ok({ address: first, length: Number(suffix) });
}

/** A port of an IPv6 address. */
export interface Ipv6Endpoint {
  /** Canonical text (RFC 5952). */
  readonly address: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** The far end of a connection, `[2001:db8::1]:7654`: a machine that can be reached by that address from anywhere. */
export function parseTarget(text: string): Result<Ipv6Endpoint, string> {
  const [, inBrackets = '', digits = ''] = /^\[([^\]]*)\]:([0-9]{1,5})$/.exec(text) ?? [];
  const address = parseIpv6(inBrackets);
  const port = Number(digits);
  if (address.isErr() || port < 1 || port > LAST_PORT)
    return err('is not an IPv6 address and a port such as [2001:db8::1]:7654');
  const kind = addressKind(address.value);
  return kind === 'unicast'
    ? ok({ address: address.value, port })
    : err(`is ${kind === 'unspecified' ? 'no address of a machine' : `a ${kind.replace('_', '-')} address`}`);
}

/** The network an address of ours is in, as canonical text without the length. */
export function networkOf(address: string, length: number): string {
  return ipaddr.IPv6.networkAddressFromCIDR(`${address}/${length}`).toRFC5952String();
}

/** Whether the text of an address names a network of that length rather than a machine in it. */
export function isNetwork(address: string, length: number): boolean {
  return length <= LONGEST_NETWORK && networkOf(address, length) === address;
}

/** The address `host` places into a network of at most 126 bits; `host` is 1 to 3. */
export function hostInNetwork(network: string, host: 1 | 2 | 3): string {
  const groups = [...ipaddr.IPv6.parse(network).parts];
  groups[7] = (groups[7] ?? 0) | host;
  return new ipaddr.IPv6(groups).toRFC5952String();
}

/** `address` is what one of the parsers gave. */
export function addressKind(address: string): AddressKind {
  switch (ipaddr.parse(address).range()) {
    case 'unspecified':
      return 'unspecified';
    case 'loopback':
      return 'loopback';
    case 'linkLocal':
      return 'link_local';
    case 'multicast':
      return 'multicast';
    case 'broadcast':
      return 'broadcast';
    case 'ipv4Mapped':
      return 'ipv4_mapped';
    default:
      return 'unicast';
  }
}

const isIpv6 = (text: string): boolean => canonicalIpv6(text) !== null;

function canonicalIpv6(text: string): string | null {
  if (text.length > LONGEST_TEXT || !/^[0-9a-fA-F:.]+$/.test(text)) return null;
  const hexadecimal = withoutDottedTail(text);
  if (hexadecimal === null || !ipaddr.IPv6.isValid(hexadecimal)) return null;
  return ipaddr.IPv6.parse(hexadecimal).toRFC5952String();
}

// ipaddr.js 2.5 reads `::192.0.2.1` as `::ffff:192.0.2.1` and takes octal and hexadecimal parts in
// a dotted tail, so the tail is turned into two groups before it sees the text.
function withoutDottedTail(text: string): string | null {
  if (!text.includes('.')) return text;
  const colon = text.lastIndexOf(':');
  const tail = text.slice(colon + 1);
  if (colon === -1 || !ipaddr.IPv4.isValidFourPartDecimal(tail)) return null;
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number);
  return `${text.slice(0, colon + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** Undefined when it is none. */
function prefixLengthOf(text: string): number | undefined {
  if (!/^[1-9][0-9]{0,2}$/.test(text) || Number(text) > LONGEST_PREFIX) return undefined;
  return Number(text);
}
