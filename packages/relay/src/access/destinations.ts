import { parseAddressRange } from '@hurricane/core';
import { bytesOfAddress, textOfAddress } from '../address-bytes.js';
import type { Endpoint } from '../contracts.js';
import { contains, type Network, networkOf } from './networks.js';

/** Addresses, all of their ports or one. */
export interface DestinationRule {
  readonly network: Network;
  /** Null: every port. */
  readonly port: number | null;
}

export interface DestinationRules {
  readonly allow: readonly DestinationRule[];
  readonly deny: readonly DestinationRule[];
  /** Ports by which this host is controlled, such as the API's. An unspecified address: any of the host's. */
  control(): readonly Endpoint[];
  /** Every address of this host at this moment, but the loopback ones. A list that has been given stays as it is. */
  ownAddresses(): readonly string[];
}

/** What leads into this host, its neighbourhood or to many at once, and is not the Internet. */
const NOT_PUBLIC: readonly Network[] = [
  '0.0.0.0/8', // RFC 1122 section 3.2.1.3: this host
  '10.0.0.0/8', // RFC 1918
  '100.64.0.0/10', // RFC 6598: shared by customers of a provider
  '127.0.0.0/8',
  '169.254.0.0/16', // RFC 3927: link-local; also where clouds keep their metadata
  '172.16.0.0/12', // RFC 1918
  '192.0.0.0/24', // RFC 6890: IETF protocol assignments
  '192.168.0.0/16', // RFC 1918
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and the broadcast address
  '::/96', // RFC 4291 section 2.5.5.1: unspecified, loopback, and the IPv4-compatible form that nobody uses
  '64:ff9b:1::/48', // RFC 8215: local translation
  'fc00::/7', // RFC 4193: unique local
  'fe80::/10', // link-local
  'fec0::/10', // RFC 3879: site-local
  'ff00::/8', // multicast
].map(network);

/** IPv6 forms that have an IPv4 address in them, and where. Both it and the whole are judged. */
const CARRIERS: readonly (readonly [form: Network, at: number])[] = [
  [network('::ffff:0:0:0/96'), 12], // RFC 2765 section 2.1: IPv4-translated
  [network('64:ff9b::/96'), 12], // RFC 6052: NAT64
  [network('2002::/16'), 2], // RFC 3056: 6to4
];

/**
 * Whether clients may reach an address.
 *
 * The most specific rule that fits decides: the longest network, then one with a port over one without.
 * Between equals a rule of the configuration beats a built-in one, and `deny` beats `allow`.
 */
export function permits(rules: DestinationRules, { address, port }: Endpoint): boolean {
  const given = bytesOfAddress(address);
  if (given === null) return false;
  // An IPv4-mapped address is the IPv4 address to the system, and to these rules.
  const bytes = given.length === 4 ? given : (bytesOfAddress(textOfAddress(given)) ?? given);
  const own = bytesOf(rules.ownAddresses());
  if (!verdict(rules, own, bytes, port)) return false;
  return CARRIERS.every(([form, at]) => !contains(form, bytes) || verdict(rules, own, bytes.slice(at, at + 4), port));
}

/** The same list comes for every connection until an address changes. */
const known = new WeakMap<readonly string[], readonly Uint8Array[]>();

function bytesOf(texts: readonly string[]): readonly Uint8Array[] {
  const before = known.get(texts);
  if (before !== undefined) return before;
  const bytes = texts.flatMap((text) => bytesOfAddress(text) ?? []);
  known.set(texts, bytes);
  return bytes;
}

function verdict(rules: DestinationRules, own: readonly Uint8Array[], address: Uint8Array, port: number): boolean {
  const isOurs = own.some((each) => equal(each, address));
  let builtIn = isOurs ? weight(host(address), null) : NONE;
  for (const each of NOT_PUBLIC) if (contains(each, address)) builtIn = Math.max(builtIn, weight(each, null));
  const isControlled = rules.control().some((each) => isControl(each, address, port, isOurs));
  if (isControlled) builtIn = Math.max(builtIn, weight(host(address), port));
  const denied = heaviest(rules.deny, address, port);
  const allowed = heaviest(rules.allow, address, port);
  return denied >= Math.max(allowed, 0) ? false : allowed >= builtIn;
}

const NONE = -1;

/** Greater for a longer network; a port makes it greater still, within its length. */
const weight = (of: Network, port: number | null): number => 2 * of.length + (port === null ? 0 : 1);

function heaviest(rules: readonly DestinationRule[], address: Uint8Array, port: number): number {
  let heaviest = NONE;
  for (const rule of rules)
    if ((rule.port === null || rule.port === port) && contains(rule.network, address))
      heaviest = Math.max(heaviest, weight(rule.network, rule.port));
  return heaviest;
}

function isControl(control: Endpoint, address: Uint8Array, port: number, isOurs: boolean): boolean {
  if (control.port !== port) return false;
  const bytes = bytesOfAddress(control.address);
  if (bytes === null) return false;
  return bytes.every((byte) => byte === 0) ? isOurs || contains(LOOPBACK, address) : equal(bytes, address);
}

const LOOPBACK: Network = network('127.0.0.0/8');

const host = (bytes: Uint8Array): Network => ({ bytes, length: bytes.length * 8 });
const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** For the tables above: a text that is no network is a slip of ours. */
function network(text: string): Network {
  const range = parseAddressRange(text);
  if (range.isErr()) throw new Error(`${text} ${range.error}`);
  return networkOf(range.value);
}
