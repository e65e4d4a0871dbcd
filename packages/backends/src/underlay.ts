import type { DriverError } from '@hurricane/core';
import { ok, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import type { Interface } from './interface.js';
import { parseRows, textOf } from './rows.js';

/** How this machine reaches an IPv4 address at the moment. */
export interface Underlay {
  /** The address packets to it leave from. Null while there is no route. */
  readonly source: string | null;
  /** Of the interface they leave by. Null when not known. */
  readonly mtu: number | null;
}

const UNKNOWN: Underlay = { source: null, mtu: null };

/**
 * No route is an answer: it may come later, and a tunnel interface does not need one. `interfaceOf`
 * reads the interface that the route leaves by.
 */
export function readUnderlay(
  runner: CommandRunner,
  endpoint: string,
  interfaceOf: (name: string, signal: AbortSignal) => ResultAsync<Interface | null, DriverError>,
  signal: AbortSignal,
): ResultAsync<Underlay, DriverError> {
  return safeTry(async function* () {
    const routeArgv = ['ip', '-j', 'route', 'get', endpoint];
    const route = yield* runner.run(routeArgv, signal);
    if (route.exitCode !== 0) return ok(UNKNOWN);
    const [way = {}] = yield* parseRows(routeArgv, route.stdout);
    const source = textOf(way, 'prefsrc');
    const iface = textOf(way, 'dev');
    if (iface === null) return ok({ source, mtu: null });

    const found = yield* interfaceOf(iface, signal);
    return ok({ source, mtu: found?.mtu ?? null });
  });
}
