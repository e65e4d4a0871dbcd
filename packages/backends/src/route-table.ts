import type { DriverError, RouteError, RoutePlan, RouteTable } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { CommandRunner, Finished } from './command.js';
import { defaultChanges, type Occupied } from './default-routes.js';
import { MAIN_TABLE, type Route, toRoute } from './ip.js';
import { type IpBatch, spawnedBatch } from './ip-batch.js';
import { faultOf } from './obey.js';
import { parseRows } from './rows.js';

export interface RouteTableDeps {
  readonly runner: CommandRunner;
  /** Carries the switch itself. What it did is checked with `runner`, and done again where it was not right. */
  readonly batch: IpBatch;
  /** Of the managed default route. */
  readonly metric: number;
}

/** Looks and corrections before giving up: one to change, one to clear up, one to see that it holds. */
const ROUNDS = 4;

const SHOW = ['route', 'show', 'table', `${MAIN_TABLE}`, 'default'] as const;

/** One managed default route in the main table, standbys behind it, all marked as ours. */
export function linuxRouteTable(deps: RouteTableDeps): RouteTable {
  return { apply: (plan, signal) => new ResultAsync(apply(deps, plan, signal)) };
}

async function apply(deps: RouteTableDeps, plan: RoutePlan, signal: AbortSignal): Promise<Result<void, RouteError>> {
  const spawned = spawnedBatch(deps.runner);
  // The co-process is quick but remembers interfaces by name, and one made anew keeps its name and not
  // its number. So it only goes first; what holds is what a fresh `ip` sees afterwards.
  await round(deps.batch, plan, deps.metric, signal);
  let last: Result<'changed' | 'right', RouteError> = ok('changed');
  for (let rounds = 0; rounds < ROUNDS; rounds += 1) {
    if (signal.aborted) return err({ kind: 'aborted' });
    const before = last;
    last = await round(spawned, plan, deps.metric, signal);
    if (last.isOk() && last.value === 'right') return ok();
    // Twice the same failure: trying on would not help.
    if (last.isErr() && (before.isErr() || !isWorthAnotherLook(last.error))) return err(last.error);
  }
  if (last.isErr()) return err(last.error);
  const stderr = 'the default routes are changed by somebody else as fast as by us';
  return err({ kind: 'command_failed', argv: ['ip', '-6', ...SHOW], exitCode: 0, stderr });
}

/** A command may fail because of what a look would show: a route that has gone, a device that is back. */
const isWorthAnotherLook = (error: RouteError): boolean => error.kind === 'command_failed' && error.argv[3] === 'del';

/** One look and, where something differs, one set of changes. */
async function round(
  batch: IpBatch,
  plan: RoutePlan,
  metric: number,
  signal: AbortSignal,
): Promise<Result<'changed' | 'right', RouteError>> {
  const looked = await batch.run([SHOW], signal);
  if (looked.isErr()) return err(toRouteError(looked.error));
  const routes = routesIn(looked.value[0]);
  if (routes.isErr()) return err(toRouteError(routes.error));
  const changes = defaultChanges(plan, metric, routes.value);
  if (changes.isErr()) return err(occupied(changes.error));
  if (changes.value.length === 0) return ok('right');

  const changed = await batch.run(changes.value, signal);
  if (changed.isErr()) return err(toRouteError(changed.error));
  for (const [i, finished] of changed.value.entries()) {
    if (finished.exitCode !== 0) return err(faultOf(['ip', '-6', ...(changes.value[i] ?? [])], finished));
  }
  return ok('changed');
}

function routesIn(shown: Finished | undefined): Result<readonly Route[], DriverError> {
  const argv = ['ip', '-6', ...SHOW];
  if (shown === undefined || shown.exitCode !== 0) {
    return err(faultOf(argv, shown ?? { exitCode: null, stdout: '', stderr: '' }));
  }
  return parseRows(argv, shown.stdout).map((rows) => rows.map((row) => toRoute(row, MAIN_TABLE)));
}

function occupied({ wanted, by }: Occupied): RouteError {
  const where = `${by.gateway === null ? '' : `via ${by.gateway} `}dev ${by.iface ?? 'several'}`;
  const what = `a default route of metric ${by.metric} that is not ours is there already (${where})`;
  const stderr = `${what}: choose another "metric"`;
  return { kind: 'command_failed', argv: ['ip', '-6', ...wanted], exitCode: 0, stderr };
}

function toRouteError(error: DriverError): RouteError {
  switch (error.kind) {
    case 'missing_tool':
    case 'not_permitted':
    case 'interface_missing':
    case 'command_failed':
    case 'aborted':
    case 'defect':
      return error;
    case 'timed_out': {
      const stderr = `no answer within ${error.after / 1000} s`;
      return { kind: 'command_failed', argv: ['ip', '-6', 'route'], exitCode: null, stderr };
    }
    case 'interface_taken':
    case 'misconfigured':
    case 'unsupported':
      return { kind: 'defect', cause: error };
  }
}
