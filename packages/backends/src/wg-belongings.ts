import type { DriverError } from '@hurricane/core';
import { err, ok, type Result, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { type Interface, isLocalUse } from './interface.js';
import { type Route, readRoutesVia } from './ip.js';
import { faultOf, obey } from './obey.js';
import { prefixKey, sameAddress } from './prefix.js';
import type { WgLine } from './wg-conf.js';
import {
  familyFlag,
  NETWORK_METRIC,
  networkRoute,
  ownAddresses,
  routedNetworks,
  textOf,
  type WgNetwork,
} from './wg-networks.js';

/** What a file gives its interface besides keys and peers. */
export interface WgBelongings {
  readonly addresses: readonly WgNetwork[];
  /** Each with a route of its own. */
  readonly networks: readonly WgNetwork[];
}

export const belongingsIn = (lines: readonly WgLine[]): WgBelongings => ({
  addresses: ownAddresses(lines),
  networks: routedNetworks(lines),
});

/** The interface with its addresses as the file lists them: the kernel has the one that was added last in front. */
export function inFileOrder(found: Interface, { addresses }: WgBelongings): Interface {
  const place = (address: string): number => {
    const at = addresses.findIndex((each) => sameAddress(each.address, address));
    return at === -1 ? addresses.length : at;
  };
  return { ...found, addresses: [...found.addresses].sort((a, b) => place(a.address) - place(b.address)) };
}

/** The address that the tunnel will use, before there is an interface that has it. Null: the file has none. */
export function futureSource({ addresses }: WgBelongings, preferred: string | null): WgNetwork | null {
  const usable = addresses.filter(({ family, address }) => family === 'ipv6' && !/^fe[89ab]/i.test(address));
  return (
    usable.find(({ address }) => sameAddress(address, preferred)) ??
    usable.find(({ address }) => !isLocalUse(address)) ??
    usable[0] ??
    null
  );
}

export function hasAddress(found: Interface, wanted: WgNetwork): boolean {
  if (wanted.family === 'ipv4') return found.ipv4.includes(textOf(wanted));
  return found.addresses.some(
    ({ address, length }) => length === wanted.length && sameAddress(address, wanted.address),
  );
}

/** Puts back addresses of the file that the interface has not got. Resolves to which, a phrase each. */
export function putBackAddresses(
  runner: CommandRunner,
  found: Interface,
  { addresses }: WgBelongings,
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  const change = (flag: string, ...words: readonly string[]): ResultAsync<unknown, DriverError> =>
    obey(runner, ['ip', flag, 'addr', ...words, 'dev', found.name], signal);
  return safeTry(async function* () {
    const restored: string[] = [];
    for (const wanted of addresses) {
      const text = textOf(wanted);
      if (hasAddress(found, wanted)) continue;
      const has = found.addresses.find((each) => sameAddress(each.address, wanted.address));
      // The kernel keeps an address's old prefix length when told a new one (inet6_addr_modify).
      if (has !== undefined) yield* change('-6', 'del', `${has.address}/${has.length}`);
      if (wanted.family === 'ipv4') yield* change('-4', 'replace', text);
      // What depends on it must not have to wait until the kernel finds that there is nobody to ask.
      else yield* change('-6', 'replace', text, 'nodad');
      restored.push(`address ${text} on ${found.name}`);
    }
    return ok(restored);
  });
}

/** Puts back routes to networks of the file. One that somebody else has a route to by now is theirs. */
export function putBackNetworks(
  runner: CommandRunner,
  iface: string,
  { networks }: WgBelongings,
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  return safeTry(async function* () {
    const restored: string[] = [];
    for (const family of ['ipv4', 'ipv6'] as const) {
      const wanted = networks.filter((network) => network.family === family);
      const routes = wanted.length === 0 ? [] : yield* readRoutesVia(runner, familyFlag({ family }), iface, signal);
      for (const network of wanted.filter((each) => !routes.some((route) => leadsTo(route, each)))) {
        if (yield* addRoute(runner, network, iface, signal)) restored.push(`route to ${textOf(network)} via ${iface}`);
      }
    }
    return ok(restored);
  });
}

function leadsTo({ destination, metric }: Route, { family, address, length }: WgNetwork): boolean {
  if (metric !== NETWORK_METRIC) return false;
  if (family === 'ipv6') return prefixKey(destination) === prefixKey(`${address}/${length}`);
  // `ip` leaves out the length of a single address.
  return (destination.includes('/') ? destination : `${destination}/32`) === `${address}/${length}`;
}

/** False when somebody else has that route. */
function addRoute(
  runner: CommandRunner,
  network: WgNetwork,
  iface: string,
  signal: AbortSignal,
): ResultAsync<boolean, DriverError> {
  const argv = ['ip', ...networkRoute(network, iface)];
  return runner.run(argv, signal).andThen((finished): Result<boolean, DriverError> => {
    if (finished.exitCode === 0) return ok(true);
    return finished.stderr.includes('File exists') ? ok(false) : err(faultOf(argv, finished));
  });
}
