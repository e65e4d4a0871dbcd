import { bestOf, type Objection, preferredOf, undeserving, unfitness, unworthiness, uselessness } from './candidacy.js';
import { isDown, type Liveness, silentSince } from './liveness.js';
import type { SwitchReason } from './news.js';
import { primaryOf, type State } from './state.js';
import { isDue, silentFrom, type Tunnel } from './tunnel.js';
import type { Instant } from './units.js';

/** Which tunnel should have the route, and why no other. Failover does what it says; the explanation reads it out. */
export interface Verdict {
  /**
   * What had to be judged. `choice`: nobody has the route. `succession`: whoever has it is to be left.
   * `challenge`: it is well, but others may deserve it more.
   */
  readonly matter: 'choice' | 'succession' | 'challenge';
  /** The best of those that nothing speaks against. Null: there is none, or none yet. */
  readonly best: Tunnel | null;
  /** Why the route is to leave the primary; null: it is not, or nobody has it. */
  readonly reason: SwitchReason | null;
  /** Somebody is fit, and gets the time to show it, or others do. */
  readonly waiting: boolean;
  readonly objectionTo: (t: Tunnel) => Objection | null;
}

export function judge(state: State, now: Instant): Verdict {
  const primary = primaryOf(state);
  const asked = preferredOf(state);
  const idle = state.failover.kind === 'idle';
  const atOnce = idle || state.preference?.pending === true;
  if (asked !== null && asked !== primary && atOnce && uselessness(asked, state) === null)
    return { matter: idle ? 'choice' : 'challenge', ...asAsked(asked, state, now) };
  if (idle) return choice(state, now);
  const reason = reasonToLeave(primary, state, now);
  if (primary === null || reason !== null) return succession(primary, reason, state, now);
  return challenge(primary, state, now);
}

function asAsked(asked: Tunnel, state: State, now: Instant): Omit<Verdict, 'matter'> {
  const otherwise: Objection = { kind: 'not_asked_for', tunnel: asked.config.name };
  const objectionTo = (t: Tunnel): Objection | null => (t === asked ? null : (unfitness(t, state, now) ?? otherwise));
  return { best: asked, reason: 'preferred', waiting: false, objectionTo };
}

/** The first choice waits for those still being judged; once it has waited, a poor tunnel is better than none. */
function choice(state: State, now: Instant): Verdict {
  const patient = now < state.chooseBy;
  const awaited = patient ? state.tunnels.find((t) => isDue(t, state) && !isJudged(t)) : undefined;
  const anyFit = state.tunnels.some((t) => unfitness(t, state, now) === null);
  const objectionTo = (t: Tunnel): Objection | null => {
    const objection = anyFit || patient ? unfitness(t, state, now) : uselessness(t, state);
    return objection ?? (awaited === undefined ? null : { kind: 'awaits', tunnel: awaited.config.name });
  };
  const best = bestOf(unopposed(state, objectionTo), state);
  return { matter: 'choice', best, reason: null, waiting: awaited !== undefined, objectionTo };
}

function isJudged(t: Tunnel): boolean {
  if (t.state.kind === 'failed') return true;
  return t.state.kind === 'up' && (t.health !== null || t.liveness.kind === 'hard_down');
}

/** A sick tunnel is left at once when nothing comes back through it, and at a check when its score is bad. */
function reasonToLeave(primary: Tunnel | null, state: State, now: Instant): SwitchReason | null {
  if (primary === null || primary.leaving) return 'removed';
  const objection = unworthiness(primary, state, state.config.failover.leaveBelow);
  switch (objection?.kind) {
    case 'not_wanted':
      return 'lowered';
    case 'not_up':
      return 'not_up';
    case 'silent':
      return objection.liveness;
    case 'poor':
      return now >= state.nextCheckAt ? 'degraded' : null;
    case 'unjudged':
    case undefined:
      return null;
  }
}

/**
 * Silence may be everybody's fate: a backup takes over only once it has answered a probe that was sent
 * after the silence began. One that can neither answer nor miss by `proofDue` is not being probed, and is trusted.
 */
function succession(primary: Tunnel | null, reason: SwitchReason | null, state: State, now: Instant): Verdict {
  const { health, failover } = state.config;
  const fit = state.tunnels.filter((t) => t !== primary && unfitness(t, state, now) === null);
  const first = bestOf(fit, state);
  const silent = primary !== null && isDown(primary.liveness) && now < proofDue(primary.liveness, state);
  const unproven = (t: Tunnel): boolean => silent && t.liveness.provenAt < silentFrom(primary, health);
  // The one the user would rather have gets the time that its next probe takes.
  const inTurn = primary !== null && now < turnDue(primary.liveness, state);
  const awaited = first !== null && unproven(first) && inTurn ? first.config.name : null;
  const objectionTo = (t: Tunnel): Objection | null => {
    if (t === primary) return unworthiness(t, state, failover.leaveBelow);
    const unfit = unfitness(t, state, now);
    if (unfit !== null) return unfit;
    if (unproven(t)) return { kind: 'unproven' };
    return awaited === null ? null : { kind: 'awaits', tunnel: awaited };
  };
  const best = bestOf(
    fit.filter((t) => objectionTo(t) === null),
    state,
  );
  return { matter: 'succession', best, reason, waiting: best === null && first !== null, objectionTo };
}

/** Every other tunnel that is well has answered a probe by then. */
export function turnDue(liveness: Liveness, { config: { health } }: State): Instant {
  return silentSince(liveness) + health.interval;
}

/** Every other tunnel has answered or missed a probe by then. */
export function proofDue(liveness: Liveness, { config: { health } }: State): Instant {
  return silentSince(liveness) + health.interval + health.deadline.max;
}

function challenge(primary: Tunnel, state: State, now: Instant): Verdict {
  const objectionTo = (t: Tunnel): Objection | null =>
    t === primary ? null : (unfitness(t, state, now) ?? undeserving(t, primary, state, now));
  const best = bestOf(unopposed(state, objectionTo), state);
  const reason = best === null || best === primary ? null : reasonToPrefer(best, primary, state);
  return { matter: 'challenge', best, reason, waiting: false, objectionTo };
}

function reasonToPrefer(best: Tunnel, primary: Tunnel, state: State): SwitchReason {
  if (best === preferredOf(state)) return 'preferred';
  return best.config.priority < primary.config.priority ? 'failback' : 'better_path';
}

function unopposed(state: State, objectionTo: Verdict['objectionTo']): readonly Tunnel[] {
  return state.tunnels.filter((t) => objectionTo(t) === null);
}
