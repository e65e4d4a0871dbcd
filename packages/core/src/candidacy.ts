import { type HealthScore, type HealthSummary, priorityBonus } from './health.js';
import { isDown, type Liveness } from './liveness.js';
import { type State, tunnelNamed } from './state.js';
import { isDue, type Tunnel, type TunnelState } from './tunnel.js';
import type { Instant, Millis } from './units.js';

// What speaks against giving a tunnel the route. The judgement asks whether anything does, and the
// explanation asks what, of the same functions: so the one cannot say what the other does not think.

/** Facts; the sentences are explain.ts's. */
export type Objection =
  | Unworthiness
  /** It has just missed a probe. */
  | { readonly kind: 'in_doubt' }
  /** Just back from the dead. */
  | { readonly kind: 'unsteady'; readonly until: Instant }
  /** The primary has fallen silent, and it has not answered since. */
  | { readonly kind: 'unproven' }
  /** Another one, which would be better, is given the time to show that it is well. */
  | { readonly kind: 'awaits'; readonly tunnel: string }
  /** The operator asked for another one. */
  | { readonly kind: 'not_asked_for'; readonly tunnel: string }
  /** The configuration says that a primary is left only when it fails. */
  | { readonly kind: 'no_failback' }
  | { readonly kind: 'less_preferred'; readonly priority: number; readonly than: number }
  /** Its rank is ahead of the primary's by `lead`, where `needed` is asked for. */
  | { readonly kind: 'no_lead'; readonly lead: number; readonly needed: number }
  /** It is ahead, but only by what lies on either side of a step of the score. */
  | { readonly kind: 'no_clear_lead' }
  /** It is a matter of scores, and those count at checks. */
  | { readonly kind: 'between_checks'; readonly checkAt: Instant }
  /** It must have been sound for longer. */
  | { readonly kind: 'held_back'; readonly since: Instant; readonly hold: Millis };

/** What keeps a tunnel from carrying traffic, whoever else there is. */
export type Unworthiness =
  /** Switched off, lowered, on its way out, or to be run otherwise. */
  | { readonly kind: 'not_wanted' }
  | { readonly kind: 'not_up'; readonly state: Exclude<TunnelState['kind'], 'up'> }
  | { readonly kind: 'silent'; readonly liveness: 'soft_down' | 'hard_down' }
  /** Too little has come back for a verdict. */
  | { readonly kind: 'unjudged' }
  | { readonly kind: 'poor'; readonly score: HealthScore; readonly needed: HealthScore };

/** Between tunnels of one priority, so much better in rank is better at all. */
export const RANK_MARGIN = 10;

/** And only where it is so much faster, both ways of counting, or loses so much less (as tailscale chooses relays). */
const LATENCY_MARGIN: Millis = 10;
const LATENCY_SHARE = 1 / 3;
const LOSS_MARGIN = 0.05;

/** Against a tunnel that must score so much, a probe that may just have been lost aside. */
export function unworthiness(t: Tunnel, state: State, needed: HealthScore): Unworthiness | null {
  if (!isDue(t, state)) return { kind: 'not_wanted' };
  if (t.state.kind !== 'up') return { kind: 'not_up', state: t.state.kind };
  const { kind } = t.liveness;
  if (kind === 'soft_down' || kind === 'hard_down') return { kind: 'silent', liveness: kind };
  if (kind === 'unknown' || t.health === null) return { kind: 'unjudged' };
  return t.health.score < needed ? { kind: 'poor', score: t.health.score, needed } : null;
}

/** Fit to carry traffic, but for a probe that may just have been lost. */
export function isSound(t: Tunnel, state: State): boolean {
  return unworthiness(t, state, state.config.failover.takeAtLeast) === null;
}

/** Against a tunnel's taking over from another one. */
export function unfitness(t: Tunnel, state: State, now: Instant): Objection | null {
  const unsound = unworthiness(t, state, state.config.failover.takeAtLeast) ?? doubtIn(t.liveness);
  const { steadyAt } = t.liveness;
  return unsound ?? (now < steadyAt ? { kind: 'unsteady', until: steadyAt } : null);
}

/** Against a tunnel's carrying traffic where there is no better one, or where it was asked for. */
export function uselessness(t: Tunnel, state: State): Objection | null {
  return unworthiness(t, state, 1) ?? doubtIn(t.liveness);
}

function doubtIn(liveness: Liveness): Objection | null {
  return liveness.kind === 'suspect' ? { kind: 'in_doubt' } : null;
}

/**
 * Against its deserving the route more than a primary that is well, and having done so long enough.
 * One that the user prefers less never does; between equals it is a matter of scores, and those count at checks.
 */
export function undeserving(t: Tunnel, primary: Tunnel, state: State, now: Instant): Objection | null {
  const asked = preferredOf(state);
  if (asked === primary) return { kind: 'not_asked_for', tunnel: asked.config.name };
  if (state.config.failover.failback === 'never') return { kind: 'no_failback' };
  if (asked === t) return held(t, state, now);
  return unequal(t, primary) ?? held(t, state, now) ?? unchecked(t, primary, state, now);
}

/** Whether nothing but how long it has been sound, and when scores count, speaks against it. */
export function isChallenger(t: Tunnel, primary: Tunnel, state: State): boolean {
  const asked = preferredOf(state);
  if (asked === primary || state.config.failover.failback === 'never') return false;
  return t !== primary && (asked === t || unequal(t, primary) === null);
}

function unequal(t: Tunnel, primary: Tunnel): Objection | null {
  const { priority } = t.config;
  const than = primary.config.priority;
  const lead = rank(t) - rank(primary);
  if (priority > than) return { kind: 'less_preferred', priority, than };
  const needed = priority === than ? RANK_MARGIN : 0;
  if (lead < needed) return { kind: 'no_lead', lead, needed };
  return priority < than || isClearlyBetter(t.health, primary.health) ? null : { kind: 'no_clear_lead' };
}

/** A score has steps: two tunnels on either side of one may be a millisecond apart. */
function isClearlyBetter(one: HealthSummary | null, other: HealthSummary | null): boolean {
  if (one === null || other === null || one.latency === null || other.latency === null) return true;
  const faster = other.latency - one.latency;
  return (faster >= LATENCY_MARGIN && faster >= other.latency * LATENCY_SHARE) || other.loss - one.loss >= LOSS_MARGIN;
}

function held(t: Tunnel, state: State, now: Instant): Objection | null {
  const since = t.soundSince ?? now;
  const hold = failbackHold(t, state);
  return now >= since + hold ? null : { kind: 'held_back', since, hold };
}

function unchecked(t: Tunnel, primary: Tunnel, { nextCheckAt }: State, now: Instant): Objection | null {
  if (t.config.priority < primary.config.priority || now >= nextCheckAt) return null;
  return { kind: 'between_checks', checkAt: nextCheckAt };
}

/** Doubles with every flap (RFC 2439 in spirit), so that a sick primary cannot drag the traffic to and fro. */
export function failbackHold(t: Tunnel, state: State): Millis {
  const { failbackAfter, failbackAtMost } = state.config.failover;
  return Math.min(Math.max(failbackAfter, failbackAtMost), failbackAfter * 2 ** Math.min(20, Math.max(0, t.flaps - 1)));
}

/** The tunnel that the operator asked for. */
export function preferredOf(state: State): Tunnel | null {
  return state.preference === null ? null : tunnelNamed(state, state.preference.tunnel);
}

/** A tunnel that answers nothing stands at 0, whatever its last minute was worth. */
export function standing(t: Tunnel | null): HealthScore {
  if (t === null || t.state.kind !== 'up' || isDown(t.liveness)) return 0;
  return t.health?.score ?? 0;
}

export function rank(t: Tunnel): number {
  return standing(t) + priorityBonus(t.config.priority);
}

/** Whom the operator asked for, then rank, then the user's order. A stable sort leaves the rest in file order. */
export function compareTunnels(a: Tunnel, b: Tunnel, { preference }: State): number {
  const name = preference?.tunnel;
  const asked = Number(b.config.name === name) - Number(a.config.name === name);
  return asked || rank(b) - rank(a) || a.config.priority - b.config.priority;
}

export function bestOf(tunnels: readonly Tunnel[], state: State): Tunnel | null {
  let best: Tunnel | null = null;
  for (const t of tunnels) if (best === null || compareTunnels(t, best, state) < 0) best = t;
  return best;
}
