import type { DriverError, Millis, RoutingPolicy } from '@hurricane/core';
import { err, ok, okAsync, type Result, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { type HostLooks, hostLooks, readRouting } from './host-looks.js';
import { type IpCommand, isOurs, readTable, toArgv } from './ip.js';
import { type IpBatch, spawnedBatch } from './ip-batch.js';
import { MOVE_WINDOW, MOVES_AT_MOST, Moves } from './moves.js';
import { obey } from './obey.js';
import {
  type PolicyChanges,
  type PolicyTarget,
  policyChanges,
  policyHold,
  policyRemovals,
  presentPlaces,
} from './policy-changes.js';
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
  /**
   * Puts back, through the co-process, what a look shows to be missing. Resolves to what that should have
   * put back: only `repair` knows whether it did.
   */
  hasten(target: PolicyTarget, seen: Sighting, signal: AbortSignal): ResultAsync<readonly string[], DriverError>;
  /** Removes our rules and routes for `iface`, whether or not the interface is still there. */
  remove(iface: string, signal: AbortSignal): ResultAsync<void, DriverError>;
}

export interface PolicyRoutingOptions {
  readonly runner: CommandRunner;
  readonly routing: RoutingPolicy;
  /** Carries repairs first. What it did is checked with `runner`, and done again where it was not right. */
  readonly batch?: IpBatch;
  /** Shared by all drivers of a host. Default: of this one alone. */
  readonly looks?: HostLooks;
  /** Default: the monotonic clock. */
  readonly now?: () => Millis;
}

/** Carries changes out. */
type Make = (changes: Pick<PolicyChanges, 'puts' | 'takes'>, signal: AbortSignal) => ResultAsync<void, DriverError>;

/** What came of making everything right. */
interface Settled {
  readonly restored: readonly string[];
  readonly isRight: boolean;
  /** The rules stay where they are because they have moved too often. */
  readonly isBeaten: boolean;
}

/** What came of one look and the changes it led to. `fault`: why not all of it could be made right. */
interface Mended extends Omit<Settled, 'isBeaten'> {
  readonly fault: DriverError | null;
}

/** One for all drivers of a host: it sees to it that no two tunnels get the same table. */
export function policyRouting(options: PolicyRoutingOptions): PolicyRouting {
  const { runner, looks = hostLooks(options.runner), batch = spawnedBatch(options.runner) } = options;
  const slots = new Slots(options.routing);
  const moves = new Moves(options.now ?? (() => performance.now()));

  const runAll = (commands: readonly IpCommand[], signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      for (const command of commands) yield* obey(runner, toArgv(command), signal).orElse(unlessThere(command));
      return ok();
    });

  const surely: Make = ({ puts, takes }, signal) => runAll([...puts, ...takes], signal);

  /** What fails shows at the next look: the co-process remembers interfaces by name, and names move on. */
  const quickly: Make = ({ puts, takes }, signal) =>
    batch
      .run(puts, signal)
      .andThen((answers) => {
        const isDone = answers.every(({ exitCode }) => exitCode === 0);
        return isDone && takes.length > 0 ? batch.run(takes, signal).map(() => undefined) : ok(undefined);
      })
      .orElse((error): Result<void, DriverError> => (error.kind === 'aborted' ? err(error) : ok()));

  /** Also while a look shows nothing of it: what holds its packets must not go because a look was wrong. */
  const isKnown = (iface: string, seen: Sighting): boolean =>
    slots.tableOf(iface) !== null || tablesOf(iface, seen).length > 0;

  const remove = (iface: string, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      const seen = yield* readRouting(runner, signal);
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
      const seen = yield* readRouting(runner, signal);
      const isNew = !isKnown(target.iface, seen);
      const slot = yield* takeSlot(target.iface, seen, signal);
      const places = yield* placesFor(slot, prefixOf(target), seen.rules);
      const held = await runAll(policyHold(target, slot, places, seen), signal);
      if (held.isErr() && isNew && !signal.aborted) await remove(target.iface, signal);
      return held.map(() => isNew);
    });

  const install = (target: PolicyTarget, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      yield* checkPrefix(target);
      const seen = yield* readRouting(runner, signal);
      const wasThere = isKnown(target.iface, seen);
      const slot = yield* takeSlot(target.iface, seen, signal);
      const places = yield* placesFor(slot, prefixOf(target), seen.rules);
      const done = await settle(target, { slot, places, seen }, surely, signal);
      if (done.isErr() && !wasThere && !signal.aborted) await remove(target.iface, signal);
      return done.map(() => undefined);
    });

  const repair = (target: PolicyTarget, signal: AbortSignal): ResultAsync<readonly string[], DriverError> =>
    safeTry(async function* () {
      yield* checkPrefix(target);
      const first = yield* mend(target, quickly, signal);
      const last = first.isRight ? first : yield* mend(target, surely, signal);
      if (last.fault !== null) return err(last.fault);
      return ok([...new Set([...first.restored, ...last.restored])]);
    });

  const hasten: PolicyRouting['hasten'] = (target, seen, signal) =>
    checkPrefix(target).asyncAndThen(() => mendSeen(target, seen, quickly, signal).map(({ restored }) => restored));

  const mend = (target: PolicyTarget, make: Make, signal: AbortSignal): ResultAsync<Mended, DriverError> =>
    looks.routing(signal).andThen((seen) => mendSeen(target, seen, make, signal));

  const mendSeen = (
    target: PolicyTarget,
    seen: Sighting,
    make: Make,
    signal: AbortSignal,
  ): ResultAsync<Mended, DriverError> =>
    safeTry(async function* () {
      // A table that we gave it is its own, also while there is nothing in it.
      const isHeld = slots.tableOf(target.iface) !== null;
      const slot = yield* isHeld ? slots.take(target.iface, seen, new Set()) : takeSlot(target.iface, seen, signal);
      const free = placesFor(slot, prefixOf(target), seen.rules);
      const places = free.unwrapOr(presentPlaces(target, slot, seen));
      const { restored, isRight, isBeaten } = yield* settle(target, { slot, places, seen }, make, signal);
      return ok({ restored, isRight, fault: free.isErr() ? free.error : isBeaten ? chased(places) : null });
    });

  /** Makes everything right as far as it may. */
  const settle = (
    target: PolicyTarget,
    { slot, places, seen }: { readonly slot: Slot; readonly places: RulePlaces; readonly seen: Sighting },
    make: Make,
    signal: AbortSignal,
  ): ResultAsync<Settled, DriverError> =>
    safeTry(async function* () {
      const first = policyChanges(target, slot, places, seen);
      const isBeaten = first.moves && moves.isSpent(target.iface);
      const changes = isBeaten ? policyChanges(target, slot, presentPlaces(target, slot, seen), seen) : first;
      if (changes.moves) moves.note(target.iface);
      const stale = tablesOf(target.iface, seen).filter((table) => table !== slot.table);
      const takes = [...changes.takes, ...stale.flatMap((table) => policyRemovals(target.iface, table, seen))];
      const isRight = changes.puts.length + takes.length === 0;
      if (!isRight) yield* make({ puts: changes.puts, takes }, signal);
      return ok({ restored: [...changes.restored, ...stale.map((table) => `no table ${table}`)], isRight, isBeaten });
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

  return { hold, install, repair, hasten, remove };
}

/** A rule that is there already is what was wanted, whoever was quicker: the kernel compares all but its protocol. */
const unlessThere =
  (command: IpCommand) =>
  (error: DriverError): Result<undefined, DriverError> => {
    const isThere = error.kind === 'command_failed' && error.stderr.includes('File exists');
    return isThere && command[0] === 'rule' && command[1] === 'add' ? ok(undefined) : err(error);
  };

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
