import type { TunnelConfig } from './config/model.js';
import type { Emit, Event } from './effects.js';
import type { DriverError } from './facts.js';
import type { State } from './state.js';
import { type Instant, LONG_AGO, type Millis, NEVER } from './units.js';

/** Seeing to it that what was put up is still there, whoever took it away. */
export interface Upkeep {
  /** What an earlier run left behind is being cleared away; nothing comes up before that. */
  readonly sweepingUntil: Instant;
  /** When rules and routes are next looked at. */
  readonly nextAt: Instant;
  /** While a look is under way, when it is given up. */
  readonly busyUntil: Instant | null;
  readonly epoch: number;
  /** Looks in a row that found something taken away, each soon after the one before. */
  readonly streak: number;
  readonly foundAt: Instant;
  /** Looks in a row that could not see everything, because an operation was under way or a command failed. */
  readonly blind: number;
}

/** Without any sign of a change, rules and routes are looked at so often. */
const UPKEEP_INTERVAL: Millis = 30_000;

/** After a sign of a change: long enough that a burst of them is one look, short enough to mend within 300 ms. */
const UPKEEP_DELAY: Millis = 30;

/** After a look that could not see everything; it begins at the delay and doubles up to this. */
const UPKEEP_RETRY_AT_MOST: Millis = 1_000;

/** Between two looks, at least. Doubles with every look beyond so many that find something taken away. */
const UPKEEP_PAUSE: Millis = 200;
const UPKEEP_PATIENCE = 150;
const UPKEEP_PAUSE_AT_MOST: Millis = 30_000;

/** Taken away again so soon after it was put back: somebody is fighting over it. */
const FIGHT_WITHIN: Millis = 500;

export const NO_UPKEEP: Upkeep = {
  sweepingUntil: NEVER,
  nextAt: NEVER,
  busyUntil: null,
  epoch: 0,
  streak: 0,
  foundAt: LONG_AGO,
  blind: 0,
};

/** Asks for what an earlier run left behind to be cleared away, before anything comes up. */
export function beginSweep(state: State, now: Instant, emit: Emit): State {
  emit({ type: 'sweep', tunnels: state.config.tunnels });
  const sweepingUntil = now + state.config.operation.timeout;
  return { ...state, upkeep: { ...state.upkeep, sweepingUntil, nextAt: NEVER, busyUntil: null, streak: 0 } };
}

export function swept(state: State, found: readonly string[], emit: Emit): State {
  if (found.length > 0) emit({ type: 'announce', news: { type: 'swept', found } });
  return { ...state, upkeep: { ...state.upkeep, sweepingUntil: NEVER } };
}

export function sweepFailed(state: State, fault: DriverError, emit: Emit): State {
  emit({ type: 'announce', news: { type: 'sweep_failed', fault } });
  return { ...state, upkeep: { ...state.upkeep, sweepingUntil: NEVER } };
}

export function isSweeping(state: State): boolean {
  return state.upkeep.sweepingUntil !== NEVER;
}

/** Gives up on a sweep that has not been answered in time. */
export function expireSweep(state: State, now: Instant): State {
  if (state.upkeep.sweepingUntil === NEVER || now < state.upkeep.sweepingUntil) return state;
  return { ...state, upkeep: { ...state.upkeep, sweepingUntil: NEVER } };
}

/** Somebody changed a route, a rule or an address. It may have been us. */
export function suspectTampering(state: State, now: Instant): State {
  const { upkeep } = state;
  const nextAt = Math.min(upkeep.nextAt, now + Math.max(UPKEEP_DELAY, pauseOf(upkeep)));
  return nextAt === upkeep.nextAt ? state : { ...state, upkeep: { ...upkeep, nextAt } };
}

type Repaired = Extract<Event, { type: 'repaired' }>;

export function repaired(state: State, { epoch, found, complete }: Repaired, now: Instant, emit: Emit): State {
  const { upkeep } = state;
  if (epoch !== upkeep.epoch || upkeep.busyUntil === null) return state;
  // What came in while we looked has had its look put off, not cancelled.
  const soon = Math.max(now + UPKEEP_PAUSE, Math.min(upkeep.nextAt, now + UPKEEP_INTERVAL));
  const nextAt = complete ? soon : Math.min(soon, now + retryOf(upkeep));
  const next: Upkeep = { ...upkeep, busyUntil: null, nextAt, blind: complete ? 0 : upkeep.blind + 1 };
  if (found.length === 0) return { ...state, upkeep: { ...next, streak: 0 } };
  emit({ type: 'announce', news: { type: 'repaired', found } });
  const again = now - upkeep.foundAt <= pauseOf(upkeep) + FIGHT_WITHIN;
  return { ...state, upkeep: { ...next, streak: again ? upkeep.streak + 1 : 1, foundAt: now } };
}

function retryOf({ blind }: Upkeep): Millis {
  return Math.min(UPKEEP_RETRY_AT_MOST, UPKEEP_DELAY * 2 ** Math.min(blind, 12));
}

/** A program that takes away at once what is put back gets longer and longer turns. */
function pauseOf({ streak }: Upkeep): Millis {
  if (streak <= UPKEEP_PATIENCE) return 0;
  return Math.min(UPKEEP_PAUSE_AT_MOST, UPKEEP_PAUSE * 2 ** Math.min(12, streak - UPKEEP_PATIENCE));
}

/** Looks when it is time, at what is not on the move: a tunnel that hangs on its way up holds up nobody else. */
export function settleUpkeep(state: State, now: Instant, emit: Emit): State {
  const { upkeep, route } = state;
  if (state.phase !== 'running' || !state.tunnels.some((t) => t.state.kind === 'up'))
    return upkeep.nextAt === NEVER && upkeep.busyUntil === null
      ? state
      : { ...state, upkeep: { ...upkeep, nextAt: NEVER, busyUntil: null } };
  if (upkeep.busyUntil !== null) return now < upkeep.busyUntil ? state : { ...state, upkeep: givenUp(upkeep, now) };
  if (upkeep.nextAt === NEVER) return { ...state, upkeep: { ...upkeep, nextAt: now + UPKEEP_INTERVAL } };
  if (now < upkeep.nextAt) return state;
  const epoch = upkeep.epoch + 1;
  const up = state.tunnels.filter((t) => t.state.kind === 'up');
  const tunnels: readonly TunnelConfig[] = up.map((t) => t.running ?? t.config);
  // What an earlier run left in the table stays there until we have something better to say.
  const plan = route.pending === null && route.applied?.via != null ? route.applied : null;
  emit({ type: 'repair', epoch, tunnels, plan });
  const busyUntil = now + state.config.operation.timeout;
  return { ...state, upkeep: { ...upkeep, epoch, busyUntil, nextAt: NEVER } };
}

/** An answer that comes later than this is not heeded. */
function givenUp(upkeep: Upkeep, now: Instant): Upkeep {
  const nextAt = Math.min(upkeep.nextAt, now + UPKEEP_INTERVAL);
  return { ...upkeep, busyUntil: null, epoch: upkeep.epoch + 1, nextAt: Math.max(now + UPKEEP_PAUSE, nextAt) };
}

export function upkeepWake(state: State): Instant {
  const { upkeep } = state;
  if (state.phase !== 'running') return NEVER;
  if (upkeep.sweepingUntil !== NEVER) return upkeep.sweepingUntil;
  if (upkeep.busyUntil !== null) return upkeep.busyUntil;
  return upkeep.nextAt;
}
