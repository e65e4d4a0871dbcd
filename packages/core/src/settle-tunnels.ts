import type { Config } from './config/model.js';
import type { Emit } from './effects.js';
import type { RoutePlan } from './facts.js';
import { needsTheSame, settleTunnel, tunnelWake } from './settle-tunnel.js';
import { changedAt, primaryInDoubt, type State } from './state.js';
import { inShape, type Tunnel } from './tunnel.js';
import { type Instant, NEVER } from './units.js';
import { isSweeping } from './upkeep.js';

// A gateway with a thousand tunnels hears of one at a time. What a tunnel needs follows from itself and
// from the few facts below, so only those are settled again for which one of them has changed.

/** What every tunnel's needs depend on, beside the tunnel. */
interface Shared {
  readonly config: Config;
  readonly phase: State['phase'];
  readonly applied: RoutePlan | null;
  readonly pending: RoutePlan | null;
  readonly routeAttempt: number;
  readonly sweeping: boolean;
  readonly targetsSilent: boolean;
  readonly primaryInDoubt: boolean;
}

/** How matters stood when tunnels were last settled. */
export interface Settled {
  /** Whether all of them were. */
  readonly whole: boolean;
  /** Null: all of them are to be settled next time. */
  readonly shared: Shared | null;
  /** Where tunnels stand that the last look at them has changed: one thing may have led to another. */
  readonly restless: readonly number[];
  /** No tunnel has anything to do by itself before. */
  readonly wakeAt: Instant;
  /** Failover and route have nothing to do by themselves before (decide.ts). */
  readonly decideAt: Instant;
}

/** @param before the tunnels as the last step left them. */
export function settleTunnels(before: readonly Tunnel[], state: State, now: Instant, emit: Emit): State {
  const { settled } = state;
  const present = sharedBy(state);
  const shared = settled.shared !== null && sameShared(settled.shared, present) ? settled.shared : present;
  const changed = changedAt(before, state.tunnels);
  const other = shared !== settled.shared || state.tunnels.length !== before.length;
  const all = other || changed.some((i) => movedOn(before[i], state.tunnels[i]!));
  const each = all || now >= settled.wakeAt;
  let wakeAt = each ? NEVER : settled.wakeAt;
  let again = false;
  const restless = each ? [] : settled.restless.filter((i) => !changed.includes(i));
  let tunnels: Tunnel[] | null = null;
  for (const i of each ? state.tunnels.keys() : changed) {
    const t = state.tunnels[i]!;
    const due = tunnelWake(t, state, now);
    if (!all && due > now && !settled.restless.includes(i) && needsTheSame(before[i]!, t, state)) {
      wakeAt = Math.min(wakeAt, due);
      continue;
    }
    const next = settleTunnel(t, state, now, emit);
    if (movedOn(t, next)) again = true;
    wakeAt = Math.min(wakeAt, tunnelWake(next, state, now));
    if (next === t) continue;
    // Most often nothing is to be done, and a thousand tunnels are not copied for nothing.
    tunnels ??= state.tunnels.slice();
    tunnels[i] = inShape(next);
    restless.push(i);
  }
  return {
    ...state,
    tunnels: tunnels ?? state.tunnels,
    settled: { whole: all, shared: again ? null : shared, restless, wakeAt, decideAt: settled.decideAt },
  };
}

/** Others may have waited for its interface. */
function movedOn(was: Tunnel | undefined, is: Tunnel): boolean {
  return was !== is && (was === undefined || was.running !== is.running || was.state.kind !== is.state.kind);
}

function sharedBy(state: State): Shared {
  const { config, phase, route, targetsSilent } = state;
  return {
    config,
    phase,
    applied: route.applied,
    pending: route.pending,
    routeAttempt: route.attempt,
    sweeping: isSweeping(state),
    targetsSilent,
    primaryInDoubt: primaryInDoubt(state),
  };
}

function sameShared(a: Shared, b: Shared): boolean {
  return (Object.keys(a) as (keyof Shared)[]).every((key) => a[key] === b[key]);
}
