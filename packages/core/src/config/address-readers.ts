import { err, ok, type Result } from 'neverthrow';
import {
  type AddressKind,
  addressKind,
  type Ipv6Prefix,
  parseAddress,
  parseIpv4,
  parseIpv6,
  parseIpv6Prefix,
  parseTarget,
} from '../address.js';
import { MAX_TARGETS, PORTS } from './bounds.js';
import { quoted } from './quote.js';
import { type Reader, refuse, wholeNumber } from './readers.js';

/** What stands where an address may be left out. */
export type Filled<T> =
  | { readonly kind: 'given'; readonly value: T }
  | { readonly kind: 'blank' }
  /** A value of the documentation that nobody has replaced: `YOUR.TUNNEL.SERVER.IP`, `X.X.X.X`. */
  | { readonly kind: 'placeholder'; readonly text: string };

/** Where a server listens. */
export interface Listen {
  readonly address: string;
  /** Null when the text gives none. */
  readonly port: number | null;
}

/** Lets the value be empty or a placeholder. */
export function fillable<T>(read: Reader<T>): Reader<Filled<T>> {
  return (text) => {
    if (text === '') return ok({ kind: 'blank' });
    if (isPlaceholder(text)) return ok({ kind: 'placeholder', text });
    return read(text).map((value) => ({ kind: 'given', value }));
  };
}

const NO_HOST: readonly AddressKind[] = ['unspecified', 'multicast', 'broadcast', 'ipv4_mapped'];

/** The IPv4 address of one machine. */
export const ipv4Host: Reader<string> = (text) => hostOf(text, parseIpv4(text), NO_HOST);

/** The IPv6 address of one machine. */
export const ipv6Host: Reader<string> = (text) => hostOf(text, parseIpv6(text), NO_HOST);

const NO_TUNNEL_ADDRESS: readonly AddressKind[] = [...NO_HOST, 'loopback', 'link_local'];

/** An address, a network, or an address with the length of its network. */
export const tunnelPrefix: Reader<Ipv6Prefix> = (text) => {
  const prefix = parseIpv6Prefix(text);
  if (prefix.isErr()) return err(prefix.error.map((why) => `${quoted(text)} ${why}`));
  const kind = addressKind(prefix.value.address);
  return NO_TUNNEL_ADDRESS.includes(kind) ? refuse(text, unusable(kind)) : ok(prefix.value);
};

/** The address of one machine, of either family. */
export const anyHost: Reader<string> = (text) => hostOf(text, parseAddress(text), NO_HOST);

/** An address that a tunnel may have, or the word `auto`. */
export const tunnelAddressOrAuto: Reader<string> = (text) =>
  text.toLowerCase() === 'auto' ? ok('auto') : hostOf(text, parseIpv6(text), NO_TUNNEL_ADDRESS);

/** `[2001:db8::1]:7654` */
export const target: Reader<string> = (text) =>
  parseTarget(text)
    .map(({ address, port }) => `[${address}]:${port}`)
    .mapErr((why) => [`${quoted(text)} ${why}`]);

/** IPv6 addresses, with commas or spaces between them. */
export const probeTargets: Reader<readonly string[]> = (text) => {
  const words = text.split(/[\s,]+/).filter((w) => w !== '');
  if (words.length === 0) return refuse(text, 'names no address: give at least one');
  if (words.length > MAX_TARGETS) return refuse(text, `names ${words.length} addresses: give at most ${MAX_TARGETS}`);
  const read = words.map(ipv6Host);
  const targets = read.flatMap((r) => (r.isOk() ? [r.value] : []));
  const problems = read.flatMap((r) => (r.isErr() ? r.error : []));
  const repeated = targets.filter((t, i) => targets.indexOf(t) !== i);
  const wrongs = [...problems, ...repeated.map((t) => `${quoted(t)} is named twice`)];
  return wrongs.length > 0 ? err(wrongs) : ok(targets);
};

/** An IP address or `localhost`. A name is refused: it may come to mean an address that others can reach. */
export const listenAddress: Reader<string> = (text) => {
  if (text.toLowerCase() === 'localhost') return ok('127.0.0.1');
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const address = parseAddress(bare);
  if (address.isErr() && looksLikeName(bare))
    return refuse(text, 'is a name, and names are not looked up: give an IP address, or localhost');
  return hostOf(text, address, ['multicast', 'broadcast', 'ipv4_mapped']);
};

/** `address`, `address:port` or `[address]:port`. */
export const listenAddressAndPort: Reader<Listen> = (text) => {
  const parts = /^(\[[^\]]*\]|[^:]*):([^:]*)$/.exec(text);
  if (parts === null) return listenAddress(text).map((address) => ({ address, port: null }));
  const address = listenAddress(parts[1] ?? '');
  const port = wholeNumber(PORTS)(parts[2] ?? '');
  const wrongs = [...(address.isErr() ? address.error : []), ...(port.isErr() ? port.error : [])];
  if (address.isErr() || port.isErr()) return err(wrongs);
  return ok({ address: address.value, port: port.value });
};

/** Groups of letters where an address has digits, that say YOUR or stand for any digit: X, XXXX, Y. */
export function isPlaceholder(text: string): boolean {
  const groups = text
    .replace(/\/[0-9]{1,3}$/, '')
    .split(/[.:_-]/)
    .filter((g) => g !== '');
  if (groups.length < 2 || !groups.every((g) => /^[A-Za-z0-9]+$/.test(g))) return false;
  if (groups.some((g) => /^YOUR$/i.test(g))) return true;
  return groups.some(standsForDigits) && groups.every((g) => standsForDigits(g) || /^[0-9a-fA-F]{1,4}$/.test(g));
}

const standsForDigits = (group: string): boolean => /^(x+|y+)$/i.test(group);

function hostOf(
  text: string,
  address: Result<string, string>,
  unfit: readonly AddressKind[],
): Result<string, readonly string[]> {
  if (address.isErr()) return refuse(text, address.error);
  const kind = addressKind(address.value);
  return unfit.includes(kind) ? refuse(text, unusable(kind)) : ok(address.value);
}

const UNUSABLE = {
  unicast: 'cannot be used here',
  unspecified: 'is the unspecified address, which no machine has',
  loopback: 'is a loopback address, which no tunnel has',
  link_local: 'is a link-local address, which leads no further than its link',
  multicast: 'is a multicast address, not one of a single machine',
  broadcast: 'is a broadcast address, not one of a single machine',
  ipv4_mapped: 'is an IPv4 address in IPv6 clothes: write it as an IPv4 address',
} as const satisfies Record<AddressKind, string>;

const unusable = (kind: AddressKind): string => UNUSABLE[kind];

/** Letters, digits, dots, dashes and underscores, with a letter that no hexadecimal number has. */
function looksLikeName(text: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(text) && /[A-Za-z]/.test(text);
}
