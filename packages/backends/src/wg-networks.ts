import { isIPv4, isIPv6 } from 'node:net';
import { sharesRouting, valuesOf, type WgLine } from './wg-conf.js';

/** An address and how much of it is the network's, as a file gives them. */
export interface WgNetwork {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly length: number;
}

/** Prefixes shorter than these are a good part of the Internet: whoever lists one wants all of it. */
const NARROW = { ipv4: 8, ipv6: 16 } as const;

/** Of a route to a network behind a peer: behind the kernel's own routes to addresses on the interface. */
export const NETWORK_METRIC = 1_024;

/**
 * The networks that get a route of their own: those behind the peers, where the file leaves routing to
 * wg-quick. None of a family of which the file wants a good part of the Internet: those are full tunnels,
 * also when written as many prefixes that leave something out.
 */
export function routedNetworks(lines: readonly WgLine[]): readonly WgNetwork[] {
  if (!sharesRouting(lines)) return [];
  const networks = valuesOf(lines, 'peer', 'allowedips').flatMap(networkIn).map(withoutHostPart);
  const narrow = (family: 'ipv4' | 'ipv6'): readonly WgNetwork[] => {
    const all = networks.filter((network) => network.family === family);
    return all.some(({ length }) => length < NARROW[family]) ? [] : all;
  };
  const chosen = [...narrow('ipv4'), ...narrow('ipv6')];
  return [...new Map(chosen.map((network) => [textOf(network), network])).values()];
}

/** The interface's own addresses, as the file gives them. */
export const ownAddresses = (lines: readonly WgLine[]): readonly WgNetwork[] =>
  valuesOf(lines, 'interface', 'address').flatMap(networkIn);

export const textOf = ({ address, length }: WgNetwork): string => `${address}/${length}`;

export const familyFlag = ({ family }: Pick<WgNetwork, 'family'>): string => (family === 'ipv4' ? '-4' : '-6');

/**
 * The words after `ip` that route a network as wg-quick itself would, but for the metric. Numbers and
 * names of our own making only. Fails where somebody else has that route already (`add`).
 */
export const networkRoute = (network: WgNetwork, iface: string): readonly string[] => [
  ...[familyFlag(network), 'route', 'add', textOf(network), 'dev', iface, 'metric', `${NETWORK_METRIC}`],
];

/** Empty for what is no network: wg and `ip` say so themselves. */
function networkIn(text: string): readonly WgNetwork[] {
  const [address = '', given] = text.split('/');
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : null;
  const longest = family === 'ipv4' ? 32 : 128;
  const length = given === undefined ? longest : Number(given);
  if (family === null || !Number.isInteger(length) || length < 0 || length > longest) return [];
  return [{ family, address, length }];
}

/** The kernel refuses a host part in an IPv4 route, and drops it in an IPv6 one. */
function withoutHostPart(network: WgNetwork): WgNetwork {
  const { family, address, length } = network;
  if (family === 'ipv6') return network;
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - length);
  const whole = Math.floor(number / size) * size;
  return { ...network, address: [24, 16, 8, 0].map((shift) => Math.floor(whole / 2 ** shift) % 256).join('.') };
}
