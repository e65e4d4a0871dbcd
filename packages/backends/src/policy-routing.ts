import type { DriverError, Millis, RoutingPolicy } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { isOurs, readOurRoutes, readRules, readTable } from './ip.js';
import { MOVE_WINDOW, MOVES_AT_MOST, Moves } from './moves.js';
import { obey } from './obey.js';
import { type PolicyTarget, policyChanges, policyHold, policyRemovals, presentPlaces } from './policy-changes.js';
import { describeRule, placesFor, type RulePlaces } from './policy-order.js';
import { type Sighting, SLOTS, type Slot, Slots, tablesOf } from './slots.js';

/**
 * Gives every tunnel a routing table of its own, so that packets from its address leave through it
 * and nothing else, whichever tunnel has the default route.
 */
export interface PolicyRouting {
  /**
   * Leaves packets from the tunnel's prefix nowhere to go until `install` gives them a way: for before anybody
   * can have its address. Resolves to whether there was nothing of the tunnel before: then `remove` undoes it.
   */
  hold(target: PolicyTarget, signal: AbortSignal): ResultAsync<boolean, DriverError>;
  /** Already so: changes nothing. Fails: takes back what it began, unless it was there before. */
  install(target: PolicyTarget, signal: AbortSignal): ResultAsync<void, DriverError>;
  /**
   * Puts back what is missing of the tunnel's rules and table, and its rules ahead of anybody's that
   * would take its packets first. Resolves to what was put back, a phrase each. Errs with `unsupported`
   * when somebody else puts rules in front again and again; all the rest is right then, too.
   */
  repair(target: PolicyTarget, signal: AbortSignal): ResultAsync<readonly string[], DriverError>;
  /** Removes our rules and routes for `iface`, whether or not the interface is still there. */
  remove(iface: string, signal: AbortSignal): ResultAsync<void, DriverError>;
}

export interface PolicyRoutingOptions {
  readonly runner: CommandRunner;
  readonly routing: RoutingPolicy;
  /** Default: the monotonic clock. */
  readonly now?: () => Millis;
}

/** One for all drivers of a host: it sees to it that no two tunnels get the same table. */
export function policyRouting(options: PolicyRoutingOptions): PolicyRouting {
  const { runner } = options;
  const slots = new Slots(options.routing);
  const moves = new Moves(options.now ?? (() => performance.now()));

  const runAll = (commands: readonly (readonly string[])[], signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      for (const argv of commands) yield* obey(runner, argv, signal);
      return ok();
    });

  const look = (signal: AbortSignal): ResultAsync<Sighting, DriverError> =>
    ResultAsync.combine([readRules(runner, signal), readOurRoutes(runner, signal)]).map(([rules, ours]) => ({
      rules,
      ours,
    }));

  const remove = (iface: string, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      const seen = yield* look(signal);
      const held = slots.tableOf(iface);
      const tables = new Set([...tablesOf(iface, seen), ...(held === null ? [] : [held])]);
      yield* runAll(
        [...tables].flatMap((table) => policyRemovals(iface, table, seen)),
        signal,
      );
      slots.release(iface);
      moves.forget(iface);
      return ok();
    });

  const hold = (target: PolicyTarget, signal: AbortSignal): ResultAsync<boolean, DriverError> =>
    safeTry(async function* () {
      yield* checkPrefix(target);
      const seen = yield* look(signal);
      const isNew = tablesOf(target.iface, seen).length === 0;
      const slot = yield* takeSlot(target.iface, seen, signal);
      const places = yield* placesFor(slot, prefixOf(target), seen.rules);
      const held = await runAll(policyHold(target, slot, places, seen), signal);
      if (held.isErr() && isNew && !signal.aborted) await remove(target.iface, signal);
      return held.map(() => isNew);
    });

  const install = (target: PolicyTarget, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      yield* checkPrefix(target);
      const seen = yield* look(signal);
      const wasThere = tablesOf(target.iface, seen).length > 0;
      const slot = yield* takeSlot(target.iface, seen, signal);
      const places = yield* placesFor(slot, prefixOf(target), seen.rules);
      const done = await settle(target, slot, places, seen, signal);
      if (done.isErr() && !wasThere && !signal.aborted) await remove(target.iface, signal);
      return done.map(() => undefined);
    });

  const repair = (target: PolicyTarget, signal: AbortSignal): ResultAsync<readonly string[], DriverError> =>
    safeTry(async function* () {
      yield* checkPrefix(target);
      const seen = yield* look(signal);
      const slot = yield* takeSlot(target.iface, seen, signal);
      const places = placesFor(slot, prefixOf(target), seen.rules);
      const within = places.unwrapOr(presentPlaces(target, slot, seen));
      const { restored, isBeaten } = yield* settle(target, slot, within, seen, signal);
      if (places.isErr()) return err(places.error);
      return isBeaten ? err<readonly string[], DriverError>(chased(places.value)) : ok(restored);
    });

  /** Makes everything right; `isBeaten` when the rules stay where they are because they have moved too often. */
  const settle = (
    target: PolicyTarget,
    slot: Slot,
    places: RulePlaces,
    seen: Sighting,
    signal: AbortSignal,
  ): ResultAsync<{ readonly restored: readonly string[]; readonly isBeaten: boolean }, DriverError> =>
    safeTry(async function* () {
      const first = policyChanges(target, slot, places, seen);
      const isBeaten = first.moves && moves.isSpent(target.iface);
      const changes = isBeaten ? policyChanges(target, slot, presentPlaces(target, slot, seen), seen) : first;
      if (changes.moves) moves.note(target.iface);
      const stale = tablesOf(target.iface, seen).filter((table) => table !== slot.table);
      const removals = stale.flatMap((table) => policyRemovals(target.iface, table, seen));
      yield* runAll([...changes.commands, ...removals], signal);
      return ok({ restored: [...changes.restored, ...stale.map((table) => `no table ${table}`)], isBeaten });
    });

  /** A slot whose table nobody else has routes in. */
  const takeSlot = (iface: string, seen: Sighting, signal: AbortSignal): ResultAsync<Slot, DriverError> =>
    safeTry(async function* () {
      const avoid = new Set<number>();
      for (let tries = 0; tries < SLOTS; tries += 1) {
        const slot = yield* slots.take(iface, seen, avoid);
        if (tablesOf(iface, seen).includes(slot.table)) return okAsync(slot);
        const routes = yield* readTable(runner, slot.table, signal);
        if (routes.every(isOurs)) return okAsync(slot);
        avoid.add(slot.table);
      }
      return slots.take(iface, seen, avoid);
    });

  return { hold, install, repair, remove };
}

const prefixOf = ({ address, prefixLength }: PolicyTarget): string => `${address}/${prefixLength}`;

const chased = ({ aheadOf }: RulePlaces): DriverError => {
  const who = aheadOf === null ? 'rules of somebody else' : `somebody else's ${describeRule(aheadOf)}`;
  const often = `${MOVES_AT_MOST} times within ${MOVE_WINDOW / 1_000} s`;
  const what = `${who} keeps being put ahead of ours: moved ours ${often} and leave them there for a while`;
  return { kind: 'unsupported', what: `${what}; give those rules a preference beyond ours` };
};

function checkPrefix(target: PolicyTarget): Result<void, DriverError> {
  if (target.prefixLength >= 1 && target.prefixLength <= 128) return ok();
  return err({
    kind: 'misconfigured',
    setting: 'prefix_len',
    problem: `is ${target.prefixLength} on "${target.iface}": a tunnel cannot be the source of every address`,
  });
}
