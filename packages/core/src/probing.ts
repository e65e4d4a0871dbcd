import type { Config } from './config/model.js';
import type { Emit } from './effects.js';
import type { ProbeFinding, ProbePlan } from './facts.js';
import { recordOutcome, summarize, unreachable } from './health.js';
import { observeOutcome } from './liveness.js';
import { observeRtt } from './rtt.js';
import type { State } from './state.js';
import { backoff, ifaceOf, type Tunnel } from './tunnel.js';
import { type Instant, LONG_AGO } from './units.js';

export function probed(t: Tunnel, finding: ProbeFinding, now: Instant, config: Config): Tunnel {
  if (t.state.kind !== 'up') return t;
  const { outcome, target } = finding;
  const policy = config.health;
  const { voice, told } = t.probing;
  const replied = outcome.kind === 'reply';
  const spokenFor = !replied && voice !== null && voice !== target && told?.targets.includes(voice) === true;
  const liveness = spokenFor ? t.liveness : observeOutcome(t.liveness, outcome, now, policy);
  // Old samples say nothing about a tunnel that is back from the dead.
  const reborn = t.liveness.kind === 'hard_down' && liveness.kind === 'alive';
  const regular = target === (t.probing.target ?? policy.targets[0]);
  const before = reborn ? [] : t.window;
  const window = regular ? recordOutcome(before, outcome, now, policy) : before;
  const summary = summarize(window) ?? (reborn ? null : t.health);
  const answered = t.probing.answered || (regular && replied);
  const next: Tunnel = {
    ...t,
    liveness,
    window,
    rtt: replied ? observeRtt(t.rtt, outcome.rtt) : t.rtt,
    health: liveness.kind === 'hard_down' ? unreachable(summary) : summary,
    probing: {
      ...t.probing,
      attempt: 0,
      answered: liveness.misses === 1 && t.liveness.misses === 0 ? false : answered,
      voice: replied ? target : spokenFor ? voice : null,
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

export function probingFailed(t: Tunnel, now: Instant, config: Config): Tunnel {
  if (t.state.kind !== 'up') return t;
  const attempt = t.probing.attempt + 1;
  return { ...t, probing: { ...t.probing, told: null, attempt, retryAt: now + backoff(attempt, config) } };
}

/** Tells the prober what to do when that has changed. */
export function settleProbing(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  const plan = probePlan(t, state.config);
  if (plan !== null && now < t.probing.retryAt) return t;
  if (samePlan(plan, t.probing.told)) return t;
  emit({ type: 'probe', tunnel: t.config.name, epoch: t.epoch, plan });
  return { ...t, probing: { ...t.probing, told: plan, retryAt: LONG_AGO } };
}

function probePlan(t: Tunnel, { health: policy }: Config): ProbePlan | null {
  const source = t.reading?.address ?? null;
  if (t.state.kind !== 'up' || source === null) return null;
  const first = t.probing.target ?? policy.targets[0]!;
  const rest = policy.targets.filter((target) => target !== first);
  const { kind, replies } = t.liveness;
  const calm =
    kind === 'alive' && t.health !== null && replies >= calmReplies(policy.targets.length, policy.repliesToAlive);
  // A dead tunnel is asked no more often than a healthy one, but at every target, until something comes back.
  const dead = kind === 'hard_down' && replies === 0;
  return {
    iface: ifaceOf(t),
    source,
    targets: calm ? [first] : [first, ...rest],
    interval: calm || dead ? policy.interval : policy.quickInterval,
    packetSize: null,
    deadline: policy.deadline,
    rtt: t.rtt,
  };
}

/** Enough replies in a row that every target has had its turn. */
function calmReplies(targets: number, repliesToAlive: number): number {
  return Math.max(targets, repliesToAlive);
}

function samePlan(a: ProbePlan | null, b: ProbePlan | null): boolean {
  if (a === null || b === null) return a === b;
  const targets = a.targets.length === b.targets.length && a.targets.every((target, i) => target === b.targets[i]);
  const deadline = a.deadline.min === b.deadline.min && a.deadline.max === b.deadline.max;
  const path = a.iface === b.iface && a.source === b.source;
  return targets && deadline && path && a.interval === b.interval && a.packetSize === b.packetSize;
}
