import { bestOf, compareTunnels, preferredOf, rank, standing, unfitness } from './candidacy.js';
import type { Candidate, FailoverExplanation } from './explanation.js';
import { placeOf } from './fault-place.js';
import { priorityBonus } from './health.js';
import { judge, proofDue, type Verdict } from './judgement.js';
import { isDown } from './liveness.js';
import { seconds, sentenceAgainst } from './objection-sentences.js';
import { primaryOf, type State } from './state.js';
import type { Tunnel } from './tunnel.js';
import type { Instant, UnixSeconds } from './units.js';

/** So many tunnels that are about to take the route are named. */
const ABOUT_TO_MOVE_AT_MOST = 10;

/**
 * Why the route is where it is. Asks the very judgement that failover goes by, and decides nothing.
 *
 * @param at the wall clock at `now`.
 */
export function explainFailover(state: State, now: Instant, at: UnixSeconds): Omit<FailoverExplanation, 'switches'> {
  const { failover, preference } = state;
  const verdict = judge(state, now);
  const moment: Moment = { state, now, at, verdict };
  return {
    primary: failover.kind === 'idle' ? null : failover.primary,
    preferred: preference?.tunnel ?? null,
    state: failover.kind,
    since: failover.kind === 'idle' ? null : Math.floor(at - (now - failover.since) / 1000),
    rule: ruleIn(moment),
    next: nextIn(moment),
    candidates: candidatesIn(moment),
  };
}

interface Moment {
  readonly state: State;
  readonly now: Instant;
  readonly at: UnixSeconds;
  readonly verdict: Verdict;
}

function candidatesIn({ state, now, verdict }: Moment): readonly Candidate[] {
  const ordered = [...state.tunnels].sort((a, b) => compareTunnels(a, b, state));
  return ordered.map((t) => {
    const objection = verdict.objectionTo(t);
    const score = scoreOf(t);
    return {
      tunnel: t.config.name,
      priority: t.config.priority,
      score,
      bonus: priorityBonus(t.config.priority),
      rank: score === null ? null : rank(t),
      state: t.state.kind,
      liveness: t.liveness.kind,
      fault_place: placeOf(t, state),
      fit: objection === null,
      passed_over: objection === null ? null : sentenceAgainst(t, objection, state, now),
    };
  });
}

function scoreOf(t: Tunnel): number | null {
  return t.health === null && !isDown(t.liveness) ? null : standing(t);
}

function ruleIn(moment: Moment): string {
  const { state, now, verdict } = moment;
  if (state.phase !== 'running') return `The gateway is ${state.phase}: no tunnel has the route`;
  const primary = primaryOf(state);
  switch (verdict.matter) {
    case 'choice': {
      if (verdict.best !== null) return `${nameOf(verdict.best)} gets the route: it is the best of those that are fit`;
      const patience = seconds(state.chooseBy - now);
      return verdict.waiting
        ? `No tunnel has the route: the choice waits up to ${patience} for those that are still being judged`
        : 'No tunnel has the route: none is fit to carry traffic';
    }
    case 'succession':
      return successionIn(moment, primary);
    case 'challenge':
      return primary === null || verdict.best !== primary ? takeoverIn(moment) : tenureIn(moment, primary);
  }
}

function successionIn({ state, now, verdict }: Moment, primary: Tunnel | null): string {
  const objection = primary === null ? null : verdict.objectionTo(primary);
  const why = primary === null || objection === null ? 'is gone' : sentenceAgainst(primary, objection, state, now);
  const name = primary === null ? 'The primary' : nameOf(primary);
  if (verdict.best !== null) return `${name} ${why}: ${nameOf(verdict.best)} takes over`;
  if (verdict.waiting) return `${name} ${why}: it is left once another tunnel has answered a probe sent since`;
  return `${name} ${why}, and no other tunnel is fit: traffic stays on it until one is`;
}

function takeoverIn({ verdict: { best, reason } }: Moment): string {
  const name = best === null ? 'Another tunnel' : nameOf(best);
  return reason === 'preferred'
    ? `${name} takes the route: it was asked for`
    : `${name} takes the route: it is the better one, and has been sound for long enough`;
}

/** Why a primary that is well keeps the route. */
function tenureIn({ state, now, at, verdict }: Moment, primary: Tunnel): string {
  const { failover } = state;
  if (failover.kind === 'idle') return 'No tunnel has the route';
  const name = nameOf(primary);
  if (failover.kind === 'stranded')
    return `${name} scores ${standing(primary)}, and no other tunnel is fit: traffic stays on it until one is`;
  const since = new Date(Math.floor(at - (now - failover.since) / 1000) * 1000).toISOString().replace('.000', '');
  const holds = `${name} holds the route since ${since}`;
  if (preferredOf(state) === primary) return `${holds}: it was asked for, whatever the ranks say`;
  const above = bestOf(
    state.tunnels.filter((t) => t !== primary && scoreOf(t) !== null && compareTunnels(t, primary, state) < 0),
    state,
  );
  const objection = above === null ? null : verdict.objectionTo(above);
  if (above === null || objection === null) return `${holds}: nothing better ranks above it`;
  return `${holds}: ${nameOf(above)} comes before it, and is passed over: ${sentenceAgainst(above, objection, state, now)}`;
}

function nextIn(moment: Moment): readonly string[] {
  const { state, now, verdict } = moment;
  if (state.phase !== 'running') return [];
  const { takeAtLeast } = state.config.failover;
  const primary = primaryOf(state);
  const whoever = `that is up, answers and scores at least ${takeAtLeast} gets the route`;
  if (primary === null || verdict.matter === 'choice') return [`The first tunnel ${whoever}`];
  if (verdict.matter === 'succession') {
    const latest = seconds(proofDue(primary.liveness, state) - now);
    return verdict.waiting
      ? [`The route moves within ${latest}, unless ${nameOf(primary)} answers again`]
      : [`The first other tunnel ${whoever}`];
  }
  return [...endsOf(primary, moment), ...wishIn(moment, primary), ...movesIn(moment, primary)];
}

/** What would end the tenure of a primary that is well. */
function endsOf(primary: Tunnel, { state, now }: Moment): readonly string[] {
  const name = nameOf(primary);
  const others = state.tunnels.filter((t) => t !== primary && unfitness(t, state, now) === null);
  const successor = bestOf(others, state);
  const whoever = successor === null ? 'no other tunnel is fit to take over' : `${nameOf(successor)} takes over`;
  const check = seconds(state.nextCheckAt - now);
  const score = standing(primary);
  return [
    `If ${name} falls silent, fails or is lowered, ${whoever}`,
    `If ${name}, which scores ${score}, is below ${state.config.failover.leaveBelow} at the next check in ${check}, ${whoever}`,
  ];
}

/** What keeps the tunnel that was asked for from the route. */
function wishIn({ state, now, verdict }: Moment, primary: Tunnel): readonly string[] {
  const asked = preferredOf(state);
  const objection = asked === null || asked === primary ? null : verdict.objectionTo(asked);
  if (asked === null || objection === null) return [];
  return [
    `${nameOf(asked)} was asked for, and has not got the route yet: ${sentenceAgainst(asked, objection, state, now)}`,
  ];
}

/** Who takes the route from a primary that is well, unless something comes between. */
function movesIn({ state, now, verdict }: Moment, primary: Tunnel): readonly string[] {
  const moves = state.tunnels.flatMap((t) => {
    const objection = t === primary ? null : verdict.objectionTo(t);
    switch (objection?.kind) {
      case 'held_back': {
        const rest = seconds(objection.since + objection.hold - now);
        const equal = t.config.priority === primary.config.priority && t !== preferredOf(state);
        const when = equal ? `at the first check after ${rest}` : `in ${rest}`;
        return [`${nameOf(t)} takes the route ${when} if it stays sound`];
      }
      case 'between_checks':
        return [
          `${nameOf(t)} takes the route at the next check in ${seconds(objection.checkAt - now)} if it stays ahead`,
        ];
      default:
        return [];
    }
  });
  return moves.slice(0, ABOUT_TO_MOVE_AT_MOST);
}

const nameOf = (t: Tunnel): string => t.config.name;
