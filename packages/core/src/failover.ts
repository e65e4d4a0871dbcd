import type { Emit } from './effects.js';
import { type HealthScore, type HealthSummary, priorityBonus } from './health.js';
import { isDown, type Liveness, silentSince } from './liveness.js';
import type { SwitchReason } from './news.js';
import { primaryOf, type State } from './state.js';
import { isDue, isSound, silentFrom, type Tunnel } from './tunnel.js';
import { type Instant, type Millis, NEVER } from './units.js';

/** The first primary is chosen once every tunnel has been judged, or so long after the first one is up. */
const CHOICE_PATIENCE: Millis = 2_000;

/** Between tunnels of one priority, so much better in rank is better at all. */
export const RANK_MARGIN = 10;

/** And only where it is so much faster, both ways of counting, or loses so much less (as tailscale chooses relays). */
const LATENCY_MARGIN: Millis = 10;
const LATENCY_SHARE = 1 / 3;
const LOSS_MARGIN = 0.05;

/** Whoever held the route so long has lived down earlier flaps. */
export const FLAP_MEMORY: Millis = 3_600_000;

/** Decides which tunnel carries the traffic. Reads health and liveness; changes neither. */
export function settleFailover(state: State, now: Instant, emit: Emit): State {
  if (state.phase !== 'running') return { ...state, failover: { kind: 'idle' }, nextCheckAt: NEVER };
  const due = now >= state.nextCheckAt;
  const next = due ? { ...state, nextCheckAt: now + state.config.failover.checkInterval } : state;
  if (next.failover.kind === 'idle') return choose(begun(next, now), now, emit);
  const primary = primaryOf(next);
  const reason = reasonToLeave(primary, next, due);
  if (reason !== null) return leave(next, primary, reason, now, emit);
  const better = primary === null ? null : betterThan(primary, next, now, due);
  if (primary !== null && better !== null) {
    const reason = better.config.priority < primary.config.priority ? 'failback' : 'better_path';
    return switchTo(next, primary, better, reason, now, emit);
  }
  // Well again. One that was given up for its score is looked at again only at a check.
  if (next.failover.kind === 'stranded' && (due || standing(primary) >= next.config.failover.leaveBelow))
    return { ...next, failover: { ...next.failover, kind: 'holding' } };
  return next;
}

/** When `settleFailover` next has something to do by itself. */
export function failoverWake(state: State, now: Instant): Instant {
  if (state.phase !== 'running') return NEVER;
  let wake = NEVER;
  // What is past has had its turn: whoever is still waiting waits for an event.
  const consider = (at: Instant): void => {
    if (at > now && at < wake) wake = at;
  };
  consider(state.nextCheckAt);
  if (state.failover.kind === 'idle') consider(state.chooseBy);
  const primary = primaryOf(state);
  if (primary !== null && isDown(primary.liveness)) {
    consider(turnDue(primary.liveness, state));
    consider(proofDue(primary.liveness, state));
  }
  for (const t of state.tunnels) {
    if (t.soundSince === null) continue;
    consider(t.liveness.steadyAt);
    if (primary !== null && t !== primary) consider(t.soundSince + failbackHold(t, state));
  }
  return wake;
}

/** Patience begins with the first tunnel that is up: on a slow machine they all take long to get there. */
function begun(state: State, now: Instant): State {
  if (state.chooseBy !== NEVER || !state.tunnels.some((t) => t.state.kind === 'up')) return state;
  return { ...state, chooseBy: now + CHOICE_PATIENCE };
}

/** The first choice waits for those still being judged; once it has waited, a poor tunnel is better than none. */
function choose(state: State, now: Instant, emit: Emit): State {
  const patient = now < state.chooseBy;
  if (patient && state.tunnels.some((t) => isDue(t, state) && !isJudged(t))) return state;
  const best = bestFit(state, null, now) ?? (patient ? null : bestOf(state.tunnels.filter((t) => isUsable(t, state))));
  if (best === null) return state;
  emit({ type: 'announce', news: { type: 'primary_selected', primary: best.config.name, score: standing(best) } });
  return { ...state, failover: { kind: 'holding', primary: best.config.name, since: now } };
}

function isJudged(t: Tunnel): boolean {
  if (t.state.kind === 'failed') return true;
  return t.state.kind === 'up' && (t.health !== null || t.liveness.kind === 'hard_down');
}

/** A sick tunnel is left at once when nothing comes back through it, and at a check when its score is bad. */
function reasonToLeave(primary: Tunnel | null, state: State, due: boolean): SwitchReason | null {
  if (primary === null || primary.leaving) return 'removed';
  if (!isDue(primary, state)) return 'lowered';
  if (primary.state.kind !== 'up') return 'not_up';
  if (primary.liveness.kind === 'soft_down' || primary.liveness.kind === 'hard_down') return primary.liveness.kind;
  return due && primary.health !== null && primary.health.score < state.config.failover.leaveBelow ? 'degraded' : null;
}

function leave(state: State, primary: Tunnel | null, reason: SwitchReason, now: Instant, emit: Emit): State {
  const silent = primary !== null && isDown(primary.liveness);
  const best = silent ? bestProven(state, primary, now) : bestFit(state, primary, now);
  if (best === 'wait') return state;
  const held = state.failover.kind === 'holding';
  const sick = reason !== 'removed' && reason !== 'lowered';
  if (primary !== null && sick && held)
    emit({
      type: 'announce',
      news: { type: 'primary_degraded', primary: primary.config.name, score: standing(primary) },
    });
  if (best !== null) return switchTo(state, primary, best, reason, now, emit);
  if (primary !== null && sick) {
    if (held) emit({ type: 'announce', news: { type: 'no_backup', primary: primary.config.name } });
    const since = state.failover.kind === 'idle' ? now : state.failover.since;
    return { ...state, failover: { kind: 'stranded', primary: primary.config.name, since } };
  }
  if (state.failover.kind !== 'idle')
    emit({ type: 'announce', news: { type: 'primary_lost', primary: state.failover.primary } });
  return choose({ ...state, failover: { kind: 'idle' }, chooseBy: now }, now, emit);
}

function switchTo(
  state: State,
  from: Tunnel | null,
  to: Tunnel,
  reason: SwitchReason,
  now: Instant,
  emit: Emit,
): State {
  if (state.failover.kind === 'idle') return state;
  emit({
    type: 'announce',
    news: {
      type: 'failed_over',
      from: state.failover.primary,
      to: to.config.name,
      fromScore: standing(from),
      toScore: standing(to),
      reason,
    },
  });
  const fault = reason === 'degraded' || reason === 'soft_down' || reason === 'hard_down' || reason === 'not_up';
  const heldFor = now - state.failover.since;
  const flapped = (t: Tunnel): Tunnel => ({ ...t, flaps: heldFor >= FLAP_MEMORY ? 1 : t.flaps + 1 });
  const tunnels = fault ? state.tunnels.map((t) => (t === from ? flapped(t) : t)) : state.tunnels;
  return { ...state, tunnels, failover: { kind: 'holding', primary: to.config.name, since: now } };
}

/** A tunnel that answers nothing stands at 0, whatever its last minute was worth. */
export function standing(t: Tunnel | null): HealthScore {
  if (t === null || t.state.kind !== 'up' || isDown(t.liveness)) return 0;
  return t.health?.score ?? 0;
}

function rank(t: Tunnel): number {
  return standing(t) + priorityBonus(t.config.priority);
}

function bestFit(state: State, besides: Tunnel | null, now: Instant): Tunnel | null {
  return bestOf(state.tunnels.filter((t) => t !== besides && isFit(t, state, now)));
}

/**
 * Silence may be everybody's fate: a backup takes over only once it has answered a probe that was sent
 * after the silence began. One that can neither answer nor miss by `proofDue` is not being probed, and is trusted.
 */
function bestProven(state: State, primary: Tunnel, now: Instant): Tunnel | null | 'wait' {
  const fit = state.tunnels.filter((t) => t !== primary && isFit(t, state, now));
  if (now >= proofDue(primary.liveness, state)) return bestOf(fit);
  const proven = fit.filter((t) => t.liveness.provenAt >= silentFrom(primary, state.config.health));
  const best = bestOf(fit);
  // The one the user would rather have gets the time that its next probe takes.
  if (best !== null && !proven.includes(best) && now < turnDue(primary.liveness, state)) return 'wait';
  return proven.length === 0 && fit.length > 0 ? 'wait' : bestOf(proven);
}

/** Every other tunnel that is well has answered a probe by then. */
function turnDue(liveness: Liveness, { config: { health } }: State): Instant {
  return silentSince(liveness) + health.interval;
}

/** Every other tunnel has answered or missed a probe by then. */
function proofDue(liveness: Liveness, { config: { health } }: State): Instant {
  return silentSince(liveness) + health.interval + health.deadline.max;
}

/** Rank, then the user's order, then file order. */
function bestOf(tunnels: readonly Tunnel[]): Tunnel | null {
  let best: Tunnel | null = null;
  for (const t of tunnels) {
    const lead = best === null ? 1 : rank(t) - rank(best);
    if (best === null || lead > 0 || (lead === 0 && t.config.priority < best.config.priority)) best = t;
  }
  return best;
}

function isUsable(t: Tunnel, state: State): boolean {
  return isDue(t, state) && t.liveness.kind === 'alive' && standing(t) > 0;
}

function isFit(t: Tunnel, state: State, now: Instant): boolean {
  return isSound(t, state) && t.liveness.kind === 'alive' && now >= t.liveness.steadyAt;
}

/**
 * A tunnel that deserves the route more than a primary that is well, and has done so long enough.
 * One that the user prefers less never does; between equals it is a matter of scores, and those count at checks.
 */
function betterThan(primary: Tunnel, state: State, now: Instant, due: boolean): Tunnel | null {
  if (state.config.failover.failback === 'never') return null;
  const held = (t: Tunnel): boolean => t.soundSince !== null && now >= t.soundSince + failbackHold(t, state);
  const deserves = (t: Tunnel): boolean => {
    const lead = rank(t) - rank(primary);
    if (t.config.priority === primary.config.priority)
      return due && lead >= RANK_MARGIN && isClearlyBetter(t.health, primary.health);
    return t.config.priority < primary.config.priority && lead >= 0;
  };
  return bestOf(state.tunnels.filter((t) => t !== primary && isFit(t, state, now) && deserves(t) && held(t)));
}

/** A score has steps: two tunnels on either side of one may be a millisecond apart. */
function isClearlyBetter(one: HealthSummary | null, other: HealthSummary | null): boolean {
  if (one === null || other === null || one.latency === null || other.latency === null) return true;
  const faster = other.latency - one.latency;
  return (faster >= LATENCY_MARGIN && faster >= other.latency * LATENCY_SHARE) || other.loss - one.loss >= LOSS_MARGIN;
}

/** Doubles with every flap (RFC 2439 in spirit), so that a sick primary cannot drag the traffic to and fro. */
function failbackHold(t: Tunnel, state: State): Millis {
  const { failbackAfter, failbackAtMost } = state.config.failover;
  return Math.min(Math.max(failbackAfter, failbackAtMost), failbackAfter * 2 ** Math.min(20, Math.max(0, t.flaps - 1)));
}
