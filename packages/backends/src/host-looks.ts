import type { DriverError } from '@hurricane/core';
import { err, ResultAsync } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { type Interface, readInterface, readInterfaces } from './interface.js';
import { type Route, readDefaults, readOurRoutes, readRules } from './ip.js';
import { sharedLook } from './shared-look.js';
import type { Sighting } from './slots.js';

/**
 * What repairs have to know of the host, read once for all tunnels that are looked at together. Never
 * older than the question.
 */
export interface HostLooks {
  /** Null when there is none of that name. Without counters when several are asked for at once. */
  interface(name: string, signal: AbortSignal): ResultAsync<Interface | null, DriverError>;
  /** All rules, and our routes of every table. */
  routing(signal: AbortSignal): ResultAsync<Sighting, DriverError>;
  /** Everybody's default routes, of every table. */
  defaults(signal: AbortSignal): ResultAsync<readonly Route[], DriverError>;
}

export function hostLooks(runner: CommandRunner): HostLooks {
  const interfaces = sharedLook((asked: ReadonlySet<string>, signal) => lookAtInterfaces(runner, asked, signal));
  const routing = sharedLook((_: ReadonlySet<null>, signal) => readRouting(runner, signal));
  const defaults = sharedLook((_: ReadonlySet<null>, signal) => readDefaults(runner, signal));
  return {
    interface: (name, signal) => interfaces(name, signal).map((found) => found.get(name) ?? null),
    routing: (signal) => routing(null, signal),
    defaults: (signal) => defaults(null, signal),
  };
}

export function readRouting(runner: CommandRunner, signal: AbortSignal): ResultAsync<Sighting, DriverError> {
  return ResultAsync.combine([readRules(runner, signal), readOurRoutes(runner, signal)]).map(([rules, ours]) => ({
    rules,
    ours,
  }));
}

type Interfaces = ReadonlyMap<string, Interface | null>;

/** Several at once are quickest read as all there are; on a host of too many, each by itself. */
function lookAtInterfaces(
  runner: CommandRunner,
  asked: ReadonlySet<string>,
  signal: AbortSignal,
): ResultAsync<Interfaces, DriverError> {
  const each = (): ResultAsync<Interfaces, DriverError> => {
    const names = [...asked];
    const reads = names.map((name) => readInterface(runner, name, signal).map((found) => [name, found] as const));
    return ResultAsync.combine(reads).map((pairs) => new Map(pairs));
  };
  if (asked.size === 1) return each();
  const all: ResultAsync<Interfaces, DriverError> = readInterfaces(runner, signal);
  return all.orElse((error) => (error.kind === 'command_failed' ? each() : err(error)));
}
