import type { DriverError, Logger, RouteError, RoutePlan, RouteTable } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { CommandRunner, Finished } from './command.js';
import { DODGES_AT_MOST, defaultChanges, type Occupied } from './default-routes.js';
import { MAIN_TABLE, type Route, toRoute } from './ip.js';
import { type IpBatch, spawnedBatch } from './ip-batch.js';
import { faultOf } from './obey.js';
import { parseRows } from './rows.js';
import { saidOnce } from './wg-notes.js';

export interface RouteTableDeps {
  readonly runner: CommandRunner;
  /** Carries the switch itself, and repairs. What it did is checked with `runner`, and done again if not right. */
  readonly batch: IpBatch;
  /** Of the managed default route. */
  readonly metric: number;
  /** Told, once each, of routes of others that ours had to make way for. */
  readonly logger?: Logger;
}

/** Looks and corrections before giving up: one to change, one to clear up, one to see that it holds. */
const ROUNDS = 4;

const SHOW = ['route', 'show', 'table', `${MAIN_TABLE}`, 'default'] as const;

/** What a round found and did. */
interface Round {
  readonly restored: readonly string[];
  /** Nothing had to be done. */
  readonly isRight: boolean;
}

type RunRound = (batch: IpBatch, plan: RoutePlan, signal: AbortSignal) => Promise<Result<Round, RouteError>>;

/**
 * One managed default route in the main table, standbys behind it, all marked as ours. Where somebody
 * else has one at its metric, it goes to the next smaller one until that is gone again.
 */
export function linuxRouteTable(deps: RouteTableDeps): RouteTable {
  const say = saidOnce(deps.logger ?? null);
  const { runner, metric } = deps;
  const run: RunRound = (batch, plan, signal) => round(batch, plan, metric, (text) => say(warning(text)), signal);

  // The co-process is quick but remembers interfaces by name, and one made anew keeps its name and not
  // its number. So it only goes first; what holds is what a fresh `ip` sees afterwards.
  const verify = async (plan: RoutePlan, signal: AbortSignal): Promise<Result<readonly string[], RouteError>> => {
    const quick = await run(deps.batch, plan, signal);
    const restored = quick.isOk() ? quick.value.restored : [];
    const sure = await settle(spawnedBatch(runner), plan, run, signal);
    return sure.map((more) => [...new Set([...restored, ...more])]);
  };
  const apply = (plan: RoutePlan, signal: AbortSignal) =>
    verify(plan, signal).then((done) => done.map(() => undefined));
  return {
    apply: (plan, signal) => new ResultAsync(apply(plan, signal)),
    verify: (plan, signal) => new ResultAsync(verify(plan, signal)),
  };
}

const warning = (text: string): { readonly level: 'warn'; readonly text: string } => ({ level: 'warn', text });

async function settle(
  spawned: IpBatch,
  plan: RoutePlan,
  run: RunRound,
  signal: AbortSignal,
): Promise<Result<readonly string[], RouteError>> {
  const restored = new Set<string>();
  let last: Result<Round, RouteError> = ok({ restored: [], isRight: false });
  for (let rounds = 0; rounds < ROUNDS; rounds += 1) {
    if (signal.aborted) return err({ kind: 'aborted' });
    const before = last;
    last = await run(spawned, plan, signal);
    for (const phrase of last.isOk() ? last.value.restored : []) restored.add(phrase);
    if (last.isOk() && last.value.isRight) return ok([...restored]);
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
  warn: (text: string) => void,
  signal: AbortSignal,
): Promise<Result<Round, RouteError>> {
  const looked = await batch.run([SHOW], signal);
  if (looked.isErr()) return err(toRouteError(looked.error));
  const routes = routesIn(looked.value[0]);
  if (routes.isErr()) return err(toRouteError(routes.error));
  const changes = defaultChanges(plan, metric, routes.value);
  if (changes.isErr()) return err(occupied(changes.error));
  const { commands, restored, dodged } = changes.value;
  if (dodged !== null) warn(dodge(dodged));
  if (commands.length === 0) return ok({ restored: [], isRight: true });

  const changed = await batch.run(commands, signal);
  if (changed.isErr()) return err(toRouteError(changed.error));
  for (const [i, finished] of changed.value.entries()) {
    if (finished.exitCode !== 0) return err(faultOf(['ip', '-6', ...(commands[i] ?? [])], finished));
  }
  return ok({ restored, isRight: false });
}

function routesIn(shown: Finished | undefined): Result<readonly Route[], DriverError> {
  const argv = ['ip', '-6', ...SHOW];
  if (shown === undefined || shown.exitCode !== 0) {
    return err(faultOf(argv, shown ?? { exitCode: null, stdout: '', stderr: '' }));
  }
  return parseRows(argv, shown.stdout).map((rows) => rows.map((row) => toRoute(row, MAIN_TABLE)));
}

const whereOf = ({ gateway, iface }: Route): string =>
  `${gateway === null ? '' : `via ${gateway} `}dev ${iface ?? 'several'}`;

const dodge = (by: Route): string =>
  `A default route of metric ${by.metric} that is not ours is there (${whereOf(by)}): ours takes a smaller one until it is gone`;

function occupied({ wanted, by }: Occupied): RouteError {
  const what = `default routes that are not ours have metric ${by.metric} (${whereOf(by)}) and the ${DODGES_AT_MOST} below`;
  return {
    kind: 'command_failed',
    argv: ['ip', '-6', ...wanted],
    exitCode: 0,
    stderr: `${what}: choose another "metric"`,
  };
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
