import type { DriverError, RoutingPolicy } from '@hurricane/core';
import { err, ok, type Result, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { isOurs, type Route, type Rule, readRules, readTable } from './ip.js';
import { obey } from './obey.js';
import { type PolicyTarget, policyChanges, policyRemovals } from './policy-changes.js';
import { SLOTS, type Slot, Slots, tablesOf } from './slots.js';

/**
 * Gives every tunnel a routing table of its own, so that packets from its address leave through it
 * and nothing else, whichever tunnel has the default route.
 */
export interface PolicyRouting {
  /** Already so: changes nothing. Fails: takes back what it began, unless it was there before. */
  install(target: PolicyTarget, signal: AbortSignal): ResultAsync<void, DriverError>;
  /** Removes our rules and routes for `iface`, whether or not the interface is still there. */
  remove(iface: string, signal: AbortSignal): ResultAsync<void, DriverError>;
}

/** One for all drivers of a host: it sees to it that no two tunnels get the same table. */
export function policyRouting(options: {
  readonly runner: CommandRunner;
  readonly routing: RoutingPolicy;
}): PolicyRouting {
  const { runner } = options;
  const slots = new Slots(options.routing);

  const runAll = (commands: readonly (readonly string[])[], signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      for (const argv of commands) yield* obey(runner, argv, signal);
      return ok();
    });

  const clear = (
    iface: string,
    tables: readonly number[],
    rules: readonly Rule[],
    signal: AbortSignal,
  ): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      for (const table of tables) {
        const routes = yield* readTable(runner, table, signal);
        yield* runAll(policyRemovals(iface, table, rules, routes), signal);
      }
      return ok();
    });

  const remove = (iface: string, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      const rules = yield* readRules(runner, signal);
      const held = slots.tableOf(iface);
      const tables = new Set([...tablesOf(iface, rules), ...(held === null ? [] : [held])]);
      yield* clear(iface, [...tables], rules, signal);
      slots.release(iface);
      return ok();
    });

  const install = (target: PolicyTarget, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      yield* checkPrefix(target);
      const rules = yield* readRules(runner, signal);
      const wasThere = tablesOf(target.iface, rules).length > 0;
      const { slot, routes } = yield* takeSlot(target.iface, rules, signal);
      const stale = tablesOf(target.iface, rules).filter((table) => table !== slot.table);
      const done = await runAll(policyChanges(target, slot, rules, routes), signal).andThen(() =>
        clear(target.iface, stale, rules, signal),
      );
      if (done.isErr() && !wasThere && !signal.aborted) await remove(target.iface, signal);
      return done;
    });

  /** A slot whose table nobody else has routes in. */
  const takeSlot = (
    iface: string,
    rules: readonly Rule[],
    signal: AbortSignal,
  ): ResultAsync<{ readonly slot: Slot; readonly routes: readonly Route[] }, DriverError> =>
    safeTry(async function* () {
      const avoid = new Set<number>();
      for (let tries = 0; tries < SLOTS; tries += 1) {
        const slot = yield* slots.take(iface, rules, avoid);
        const routes = yield* readTable(runner, slot.table, signal);
        if (tablesOf(iface, rules).includes(slot.table) || routes.every(isOurs)) return ok({ slot, routes });
        avoid.add(slot.table);
      }
      return slots.take(iface, rules, avoid).map((slot) => ({ slot, routes: [] }));
    });

  return { install, remove };
}

function checkPrefix(target: PolicyTarget): Result<void, DriverError> {
  if (target.prefixLength >= 1 && target.prefixLength <= 128) return ok();
  return err({
    kind: 'misconfigured',
    setting: 'prefix_len',
    problem: `is ${target.prefixLength} on "${target.iface}": a tunnel cannot be the source of every address`,
  });
}
