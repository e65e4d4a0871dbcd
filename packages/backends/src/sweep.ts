import type { ConfigOf, DriverError, DriverSet, TunnelConfig } from '@hurricane/core';
import { err, ok, type Result, ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { readRouting } from './host-looks.js';
import { isOurs, MAIN_TABLE, type Route, routeCommand, toArgv } from './ip.js';
import { obey } from './obey.js';
import { isMarked, markIn } from './ownership.js';
import { gatewayOf } from './ping-argv.js';
import { policyRemovals } from './policy-changes.js';
import type { ProcessTable } from './process-table.js';
import { parseRows, textOf } from './rows.js';
import { isAnchor, type Sighting } from './slots.js';
import { carriedInterfaces } from './userspace-6in4.js';

export interface SweepDeps {
  readonly runner: CommandRunner;
  readonly processes: ProcessTable;
  readonly drivers: Required<DriverSet>;
}

/** An interface that says it is ours. */
interface Left {
  readonly iface: string;
  readonly maker: 'he_6in4' | 'wireguard';
}

/**
 * Removes what an earlier run of ours left and no enabled tunnel accounts for: interfaces that carry our
 * mark, processes of ours, rules, tables and default routes of our protocol number. Nothing of that
 * kind there: changes nothing. One thing that resists does not keep it from the others.
 */
export function sweepHost(
  deps: SweepDeps,
  tunnels: readonly TunnelConfig[],
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  return safeTry(async function* () {
    const wanted = tunnels.filter((tunnel) => tunnel.enabled);
    yield* endOrphans(deps, signal);
    const left = yield* leftInterfaces(deps, signal);
    const stale = left.filter((each) => !wanted.some((tunnel) => accountsFor(tunnel, each)));
    const lowered = await lowerAll(deps, stale, signal);
    const cleared = yield* clearRouting(deps.runner, new Set(wanted.map((tunnel) => tunnel.iface)), signal);
    return lowered.map((gone) => [...gone, ...cleared]);
  });
}

/**
 * Pings whose gateway was killed. They notice at their next line, up to some seconds later, and one that is bound
 * to a tunnel's address would send its next probe elsewhere once what holds the tunnel's packets has gone.
 */
function endOrphans({ processes }: SweepDeps, signal: AbortSignal): ResultAsync<void, DriverError> {
  return safeTry(async function* () {
    for (const ping of yield* processes.find('ping', signal)) {
      const gateway = gatewayOf(ping.argv);
      if (gateway !== null && ping.parent !== gateway) yield* processes.end(ping, signal);
    }
    return ok();
  });
}

function accountsFor(tunnel: TunnelConfig, { iface, maker }: Left): boolean {
  const type = tunnel.type === 'mullvad' ? 'wireguard' : tunnel.type;
  return tunnel.iface === iface && type === maker;
}

/** Interfaces of ours, and those that a process of ours is about to make. */
function leftInterfaces(
  { runner, processes }: SweepDeps,
  signal: AbortSignal,
): ResultAsync<readonly Left[], DriverError> {
  const argv = ['ip', '-j', '-d', 'link', 'show'];
  return safeTry(async function* () {
    const shown = yield* obey(runner, argv, signal);
    const rows = yield* parseRows(argv, shown.stdout);
    const carried = yield* carriedInterfaces({ processes }, signal);
    const marked = rows.flatMap((row): readonly Left[] => {
      const [iface, alias] = [textOf(row, 'ifname'), textOf(row, 'ifalias')];
      if (iface === null || !isMarked({ alias, group: textOf(row, 'group') })) return [];
      // By the mark alone: its process may have ended since, and the interface be about to.
      return [{ iface, maker: isMadeFromFile(alias) ? 'wireguard' : 'he_6in4' }];
    });
    const unnamed = carried.filter((iface) => !marked.some((each) => each.iface === iface));
    return ok([...marked, ...unnamed.map((iface): Left => ({ iface, maker: 'he_6in4' }))]);
  });
}

/** Only WireGuard's drivers note in the mark what they made an interface from. */
const isMadeFromFile = (alias: string | null): boolean => markIn(alias)?.madeFrom != null;

/** Each by its driver, as if it were still configured: a driver's `down` needs the name only. */
function lowerAll(
  { drivers }: SweepDeps,
  stale: readonly Left[],
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  const lower = async (): Promise<Result<readonly string[], DriverError>> => {
    const gone: string[] = [];
    let fault: DriverError | null = null;
    for (const { iface, maker } of stale) {
      const base = { name: iface, iface, enabled: false, priority: 0, address: null, prefixLength: 64 };
      const he: ConfigOf<'he_6in4'> = { ...base, type: 'he_6in4', endpoint: null, local: null, mtu: null };
      const lowered =
        maker === 'he_6in4'
          ? await drivers.he_6in4.down(he, signal)
          : await drivers.wireguard.down({ ...base, type: 'wireguard' }, signal);
      if (lowered.isOk()) gone.push(`interface ${iface}`);
      else fault ??= lowered.error;
    }
    return fault === null ? ok(gone) : err(fault);
  };
  return new ResultAsync(lower());
}

/** Default routes through other interfaces than these, and tables that are none of theirs. */
function clearRouting(
  runner: CommandRunner,
  ifaces: ReadonlySet<string>,
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  return safeTry(async function* () {
    const seen = yield* readRouting(runner, signal);
    const routes = seen.ours.filter((route) => route.table === MAIN_TABLE && !isVia(ifaces, route));
    const tables = ourTables(seen).filter((table) => !isAccountedFor(table, ifaces, seen));
    for (const route of routes) yield* obey(runner, toArgv(routeCommand('del', route)), signal);
    for (const table of tables) {
      for (const command of policyRemovals('', table, seen)) yield* obey(runner, toArgv(command), signal);
    }
    return ok([
      ...routes.map(
        ({ destination, iface }) =>
          `${destination === 'default' ? 'default route' : `route to ${destination}`} via ${iface}`,
      ),
      ...tables.map((table) => `rules and routes of table ${table}`),
    ]);
  });
}

const isVia = (ifaces: ReadonlySet<string>, { iface }: Route): boolean => iface !== null && ifaces.has(iface);

const ourTables = ({ rules, ours }: Sighting): readonly number[] => [
  ...new Set([
    ...rules.flatMap((rule) => (isOurs(rule) && rule.table !== null ? [rule.table] : [])),
    ...ours.flatMap((route) => (route.table === MAIN_TABLE ? [] : [route.table])),
  ]),
];

/** A table belongs to the interface that a rule or route of ours in it names. */
const isAccountedFor = (table: number, ifaces: ReadonlySet<string>, { rules, ours }: Sighting): boolean =>
  rules.some((rule) => isOurs(rule) && rule.table === table && rule.oif !== null && ifaces.has(rule.oif)) ||
  ours.some((route) => route.table === table && isAnchor(route) && isVia(ifaces, route));
