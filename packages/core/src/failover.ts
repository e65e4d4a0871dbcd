import { failbackHold, isChallenger, preferredOf, standing } from './candidacy.js';
import type { Emit } from './effects.js';
import { judge, proofDue, turnDue, type Verdict } from './judgement.js';
import { isDown } from './liveness.js';
import type { SwitchReason } from './news.js';
import { primaryOf, replaced, type State } from './state.js';
import { isDue, type Tunnel } from './tunnel.js';
import { type Instant, type Millis, NEVER } from './units.js';

/** The first primary is chosen once every tunnel has been judged, or so long after the first one is up. */
const CHOICE_PATIENCE: Millis = 2_000;

/** Whoever held the route so long has lived down earlier flaps. */
export const FLAP_MEMORY: Millis = 3_600_000;

/** Gives the route to the tunnel that the judgement names. Reads health and liveness; changes neither. */
export function settleFailover(recorded: State, now: Instant, emit: Emit): State {
  if (recorded.phase !== 'running') return { ...recorded, failover: { kind: 'idle' }, nextCheckAt: NEVER };
  const state = begun(recorded, now);
  const due = now >= state.nextCheckAt;
  const decided = settlePreference(carriedOut(judge(state, now), state, now, emit));
  return due ? { ...decided, nextCheckAt: now + state.config.failover.checkInterval } : decided;
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
    // Among a thousand equals each would wake all the others.
    if (primary !== null && isChallenger(t, primary, state)) consider(t.soundSince + failbackHold(t, state));
  }
  return wake;
}

/** Patience begins with the first tunnel that is up: on a slow machine they all take long to get there. */
function begun(state: State, now: Instant): State {
  if (state.failover.kind !== 'idle' || state.chooseBy !== NEVER) return state;
  return state.tunnels.some((t) => t.state.kind === 'up') ? { ...state, chooseBy: now + CHOICE_PATIENCE } : state;
}

function carriedOut(verdict: Verdict, state: State, now: Instant, emit: Emit): State {
  const { best, reason } = verdict;
  const primary = primaryOf(state);
  if (verdict.matter === 'choice') return best === null ? state : select(best, state, now, emit);
  if (verdict.matter === 'succession') return leave(verdict, primary, state, now, emit);
  if (best !== null && best !== primary && reason !== null) return switchTo(state, best, reason, now, emit);
  // Well again. One that was given up for its score is looked at again only at a check.
  const well = now >= state.nextCheckAt || standing(primary) >= state.config.failover.leaveBelow;
  if (state.failover.kind === 'stranded' && well) return { ...state, failover: { ...state.failover, kind: 'holding' } };
  return state;
}

function select(best: Tunnel, state: State, now: Instant, emit: Emit): State {
  const primary = best.config.name;
  emit({ type: 'announce', news: { type: 'primary_selected', primary, score: standing(best) }, judged: state });
  return { ...state, failover: { kind: 'holding', primary, since: now } };
}

function leave(verdict: Verdict, primary: Tunnel | null, state: State, now: Instant, emit: Emit): State {
  const { best, reason, waiting } = verdict;
  if (waiting || reason === null) return state;
  const held = state.failover.kind === 'holding';
  const sick = primary !== null && reason !== 'removed' && reason !== 'lowered';
  if (sick && held)
    emit({
      type: 'announce',
      news: { type: 'primary_degraded', primary: primary.config.name, score: standing(primary) },
    });
  if (best !== null) return switchTo(state, best, reason, now, emit);
  if (sick) {
    if (held) emit({ type: 'announce', news: { type: 'no_backup', primary: primary.config.name } });
    const since = state.failover.kind === 'idle' ? now : state.failover.since;
    return { ...state, failover: { kind: 'stranded', primary: primary.config.name, since } };
  }
  if (state.failover.kind !== 'idle')
    emit({ type: 'announce', news: { type: 'primary_lost', primary: state.failover.primary } });
  const lost: State = { ...state, failover: { kind: 'idle' }, chooseBy: now };
  return carriedOut(judge(lost, now), lost, now, emit);
}

function switchTo(state: State, to: Tunnel, reason: SwitchReason, now: Instant, emit: Emit): State {
  if (state.failover.kind === 'idle') return state;
  const from = primaryOf(state);
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
    judged: state,
  });
  const fault = reason === 'degraded' || reason === 'soft_down' || reason === 'hard_down' || reason === 'not_up';
  const heldFor = now - state.failover.since;
  const flapped = (t: Tunnel): Tunnel => ({ ...t, flaps: heldFor >= FLAP_MEMORY ? 1 : t.flaps + 1 });
  const blamed = fault && from !== null ? replaced(state, flapped(from)) : state;
  return { ...blamed, failover: { kind: 'holding', primary: to.config.name, since: now } };
}

/** What was asked for happens at once, or as soon as a doubt is settled. A tunnel that is down has missed that. */
function settlePreference(state: State): State {
  const { preference } = state;
  if (preference === null || !preference.pending) return state;
  const t = preferredOf(state);
  const may = t !== null && isDue(t, state) && t.state.kind === 'up' && !isDown(t.liveness);
  return may && t !== primaryOf(state) ? state : { ...state, preference: { ...preference, pending: false } };
}
