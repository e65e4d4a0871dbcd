import type { DriverError } from '@hurricane/core';
import { err, ok, okAsync, Result, ResultAsync } from 'neverthrow';
import type { CommandRunner, Finished } from './command.js';
import { type Interface, interfacesIn, readInterface, readInterfaces } from './interface.js';
import {
  type IpCommand,
  ourRoutesIn,
  type Route,
  readDefaults,
  readOurRoutes,
  readRules,
  rulesIn,
  SHOW_OUR_ROUTES,
  SHOW_RULES,
  toArgv,
} from './ip.js';
import type { IpBatch } from './ip-batch.js';
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
  /** Most of it without starting a program; null where that cannot be. */
  glance(signal: AbortSignal): ResultAsync<Glance | null, DriverError>;
}

/** What the co-process tells. Interfaces without an IPv6 address are not among it, nor are kinds and counters. */
export interface Glance extends Sighting {
  readonly interfaces: ReadonlyMap<string, Interface>;
}

/** `batch`: a co-process. Without one, there are no glances. */
export function hostLooks(runner: CommandRunner, batch: IpBatch | null = null): HostLooks {
  const interfaces = sharedLook((asked: ReadonlySet<string>, signal) => lookAtInterfaces(runner, asked, signal));
  const routing = sharedLook((_: ReadonlySet<null>, signal) => readRouting(runner, signal));
  const glances = sharedLook((_: ReadonlySet<null>, signal) => glanceAt(batch, signal));
  const defaults = sharedLook((_: ReadonlySet<null>, signal) => readDefaults(runner, signal));
  return {
    interface: (name, signal) => interfaces(name, signal).map((found) => found.get(name) ?? null),
    routing: (signal) => routing(null, signal),
    defaults: (signal) => defaults(null, signal),
    glance: (signal) => glances(null, signal),
  };
}

/** Interfaces first: by that the co-process learns which number belongs to which name at the moment. */
const GLANCE: readonly IpCommand[] = [['addr', 'show'], SHOW_RULES, SHOW_OUR_ROUTES];

function glanceAt(batch: IpBatch | null, signal: AbortSignal): ResultAsync<Glance | null, DriverError> {
  if (batch === null) return okAsync(null);
  const read = (answers: readonly Finished[]): Result<Glance, DriverError> => {
    const [links = '', rules = '', ours = ''] = answers.map(({ stdout }) => stdout);
    return Result.combine([interfacesIn(toArgv(['addr', 'show']), links), rulesIn(rules), ourRoutesIn(ours)]).map(
      ([interfaces, seen, routes]) => ({ interfaces, rules: seen, ours: routes }),
    );
  };
  return batch.run(GLANCE, signal).andThen((answers): Result<Glance | null, DriverError> => {
    return answers.every(({ exitCode }) => exitCode === 0) ? read(answers) : ok(null);
  });
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
