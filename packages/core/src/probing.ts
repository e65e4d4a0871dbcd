import type { Config, HealthPolicy } from './config/model.js';
import type { Emit, Event } from './effects.js';
import type { ProbeFinding, ProbePlan } from './facts.js';
import { sizePlan } from './full-size.js';
import { recordOutcome, summarize, unreachable } from './health.js';
import { observeOutcome } from './liveness.js';
import { popPlan, underlayPlan } from './rings.js';
import { observeRtt } from './rtt.js';
import { observeSide, type SideStream, samePlan, settleSides, sideFailed, sidePause } from './side-probes.js';
import { internetPlan, standInOf } from './stand-in.js';
import { primaryInDoubt, type State } from './state.js';
import { provesLife } from './traffic.js';
import { backoff, ifaceOf, moreUnrest, type Tunnel } from './tunnel.js';
import { type Instant, LONG_AGO, type Millis } from './units.js';

/** Between two probes of a tunnel that is proven alive by the traffic through it. */
const TRAFFIC_INTERVAL: Millis = 8_000;

export function probed(t: Tunnel, answer: Extract<Event, { type: 'probed' }>, now: Instant, state: State): Tunnel {
  if (t.state.kind !== 'up') return t;
  const { stream, finding } = answer;
  if (stream === 'targets') return judged(t, finding, now, state);
  return { ...t, sides: { ...t.sides, [stream]: observeSide(t.sides[stream], finding.outcome, now) } };
}

function judged(t: Tunnel, finding: ProbeFinding, now: Instant, state: State): Tunnel {
  const { outcome, target } = finding;
  const { config } = state;
  const policy = config.health;
  const { voice, told } = t.probing;
  const replied = outcome.kind === 'reply';
  const spokenFor = !replied && voice !== null && voice !== target && told?.targets.includes(voice) === true;
  const liveness = spokenFor ? t.liveness : observeOutcome(t.liveness, outcome, now, policy);
  // Old samples say nothing about a tunnel that is back from the dead.
  const reborn = t.liveness.kind === 'hard_down' && liveness.kind === 'alive';
  const regular = target === regularTarget(t, state);
  const before = reborn ? [] : t.window;
  const window = regular ? recordOutcome(before, outcome, now, policy) : before;
  const summary = summarize(window) ?? (reborn ? null : t.health);
  const answered = t.probing.answered || (regular && replied);
  const next: Tunnel = {
    ...t,
    liveness,
    window,
    rtt: replied ? observeRtt(t.rtt, outcome.rtt) : t.rtt,
    unrest: liveness.kind === 'hard_down' && t.liveness.kind !== 'hard_down' ? moreUnrest(t.unrest, now) : t.unrest,
    health: liveness.kind === 'hard_down' ? unreachable(summary) : summary,
    probing: {
      target: t.probing.target,
      answered: liveness.misses === 1 && t.liveness.misses === 0 ? false : answered,
      voice: replied ? target : spokenFor ? voice : null,
      attempt: 0,
      retryAt: t.probing.retryAt,
      told,
    },
    lastProbedAt: now,
  };
  return elect(next, finding, config);
}

/**
 * The regular target stayed silent while another answered: the tunnel is well, so the other one is
 * asked from now on. What the silent one cost the score is forgotten with it.
 */
function elect(t: Tunnel, { target, outcome }: ProbeFinding, { health: policy }: Config): Tunnel {
  if (t.liveness.kind !== 'alive' || t.probing.answered || outcome.kind !== 'reply') return t;
  if (t.liveness.replies < calmReplies(policy.targets.length, policy.repliesToAlive)) return t;
  const health = t.health?.reachable === true ? t.health : null;
  return { ...t, window: [], health, probing: { ...t.probing, target, answered: true } };
}

export function probingFailed(
  t: Tunnel,
  { stream, fault }: Extract<Event, { type: 'probing_failed' }>,
  now: Instant,
  config: Config,
  emit: Emit,
): Tunnel {
  if (t.state.kind !== 'up') return t;
  if (stream !== 'targets') return { ...t, sides: { ...t.sides, [stream]: failedSide(t, stream, now, config) } };
  if (t.probing.attempt === 0)
    emit({ type: 'announce', news: { type: 'probing_failed', tunnel: t.config.name, fault } });
  const attempt = t.probing.attempt + 1;
  return { ...t, probing: { ...t.probing, told: null, attempt, retryAt: now + backoff(attempt, config) } };
}

function failedSide(t: Tunnel, stream: SideStream, now: Instant, config: Config): Tunnel['sides'][SideStream] {
  const side = t.sides[stream];
  return sideFailed(side, now, sidePause(side.attempt, config));
}

/** Tells the prober what to do when that has changed. */
export function settleProbing(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  const asked = settleTargets(t, state, now, emit);
  const { config } = state;
  const plans = {
    pop: popPlan(asked, config, now),
    underlay: underlayPlan(asked, config, now),
    internet: internetPlan(asked, state),
    size: sizePlan(asked, config),
  };
  const sides = settleSides(asked.sides, plans, { name: t.config.name, epoch: t.epoch }, now, emit);
  return sides === asked.sides ? asked : { ...asked, sides };
}

function settleTargets(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  const plan = probePlan(t, state, now);
  if (plan !== null && now < t.probing.retryAt) return t;
  if (samePlan(plan, t.probing.told)) return t;
  emit({ type: 'probe', tunnel: t.config.name, epoch: t.epoch, stream: 'targets', plan });
  return { ...t, probing: { ...t.probing, told: plan, retryAt: LONG_AGO } };
}

function probePlan(t: Tunnel, state: State, now: Instant): ProbePlan | null {
  const policy = state.config.health;
  const source = t.reading?.address ?? null;
  if (t.state.kind !== 'up' || source === null) return null;
  const first = regularTarget(t, state);
  // Whoever stands in for the targets is asked alone.
  const alone = standInOf(t, state) !== null;
  const { kind, replies } = t.liveness;
  const calm = isCalm(t, policy);
  // A dead tunnel is asked no more often than a healthy one, but at every target, until something comes back.
  const dead = kind === 'hard_down' && replies === 0;
  return {
    iface: ifaceOf(t),
    source,
    targets: calm || alone ? [first] : [first, ...policy.targets.filter((target) => target !== first)],
    interval:
      calm && isProven(t, state, now) ? TRAFFIC_INTERVAL : calm || dead ? policy.interval : policy.quickInterval,
    packetSize: null,
    deadline: policy.deadline,
    rtt: t.rtt,
  };
}

function regularTarget(t: Tunnel, state: State): string {
  return standInOf(t, state) ?? t.probing.target ?? state.config.health.targets[0]!;
}

/** Traffic is proof enough, unless the primary is in doubt: then every tunnel must be able to show that it is well. */
function isProven(t: Tunnel, state: State, now: Instant): boolean {
  return !primaryInDoubt(state) && t.liveness.misses === 0 && provesLife(t.traffic, now);
}

/** Alive, judged, and every target has had its turn: there is nothing to hurry for. */
export function isCalm({ liveness, health }: Tunnel, policy: HealthPolicy): boolean {
  const { targets, repliesToAlive } = policy;
  return (
    liveness.kind === 'alive' && health !== null && liveness.replies >= calmReplies(targets.length, repliesToAlive)
  );
}

/** Enough replies in a row that every target has had its turn. */
function calmReplies(targets: number, repliesToAlive: number): number {
  return Math.max(targets, repliesToAlive);
}
