import { HEALTH_DEFAULTS } from '../packages/core/src/config/defaults.js';
import type { ProbeOutcome, ProbePlan } from '../packages/core/src/facts.js';
import { jittered } from '../packages/core/src/jitter.js';
import type { LivenessKind } from '../packages/core/src/liveness.js';
import { probed, settleProbing } from '../packages/core/src/probing.js';
import { probeDeadline } from '../packages/core/src/rtt.js';
import { initialState, type State } from '../packages/core/src/state.js';
import { Prng, simulatedConfig, simulatedTunnel } from '../packages/core/src/testing/index.js';
import type { Tunnel } from '../packages/core/src/tunnel.js';

// How often is a tunnel that only loses packets called down? The judgement is core's own; around it is
// no more than a prober's cadence and a lossy path. No traffic of others comes in to veto a verdict.

const DAY_MS = 86_400_000;
export const RTT_MS = 20;

/** Whether a probe sent at `at` is lost. Asked in the order of time. */
type Path = (at: number) => boolean;

export interface Channel {
  readonly name: string;
  readonly path: (prng: Prng) => Path;
  /** False alarms of the hard kind that are accepted in 30 days. */
  readonly goal: number;
  /** Those of dpinger with pfSense's settings in as many, by the same simulation of its algorithm. */
  readonly dpinger: string;
}

export interface Tally {
  readonly probes: number;
  readonly suspects: number;
  readonly soft: number;
  readonly hard: number;
}

const random = (loss: number): Channel['path'] => {
  return (prng) => () => prng.chance(loss);
};

/** Silent for `length` at a time, for `share` of all time; pauses are exponential. */
const bursty = (share: number, length: number): Channel['path'] => {
  return (prng) => {
    const pause = (): number => -Math.log(1 - prng.unit()) * length * (1 / share - 1);
    let begins = pause();
    return (at) => {
      while (at >= begins + length) begins += length + pause();
      return at >= begins;
    };
  };
};

export const CHANNELS: readonly Channel[] = [
  { name: 'random 1 %', path: random(0.01), goal: 0, dpinger: '0' },
  { name: 'random 5 %', path: random(0.05), goal: 0, dpinger: '0' },
  { name: 'random 10 %', path: random(0.1), goal: 0, dpinger: '43' },
  { name: 'random 20 %', path: random(0.2), goal: 0, dpinger: '23,372' },
  { name: 'bursts of 200 ms, 1 %', path: bursty(0.01, 200), goal: 2, dpinger: '0' },
];

/** What is said of one tunnel in `days` of that loss. The same seed gives the same answer. */
export function verdictsOn({ path }: Channel, days: number, seed: number): Tally {
  return play(path(new Prng(seed)), new Prng(seed + 1), days * DAY_MS);
}

/** A prober's cadence around core's judgement: RFC 5880 jitter, a deadline per probe, a fresh start with every plan. */
function play(path: Path, prng: Prng, until: number): Tally {
  const stage = staged();
  let { tunnel } = stage;
  let plan: ProbePlan = stage.plan;
  let sent = 0;
  let nextSend = 0;
  let pending: { readonly at: number; readonly target: string; readonly outcome: ProbeOutcome }[] = [];
  let probes = 0;
  const reached = { suspect: 0, soft_down: 0, hard_down: 0 };
  for (let now = 0; now < until; ) {
    const first = pending[0];
    if (first === undefined || nextSend < first.at) {
      now = nextSend;
      const target = plan.targets[sent % plan.targets.length]!;
      const lost = path(now);
      const at = now + (lost ? probeDeadline(tunnel.rtt, plan.deadline) : RTT_MS);
      pending.push({ at, target, outcome: lost ? { kind: 'lost' } : { kind: 'reply', rtt: RTT_MS, late: false } });
      pending.sort((a, b) => a.at - b.at);
      sent += 1;
      probes += 1;
      nextSend = now + jittered(plan.interval, prng.unit());
      continue;
    }
    now = first.at;
    pending.shift();
    const before: LivenessKind = tunnel.liveness.kind;
    const judged = probed(
      tunnel,
      { type: 'probed', tunnel: tunnel.config.name, epoch: tunnel.epoch, stream: 'targets', finding: first },
      now,
      stage.state,
    );
    tunnel = settleProbing(judged, stage.state, now, (effect) => {
      if (effect.type !== 'probe' || effect.stream !== 'targets' || effect.plan === null) return;
      plan = effect.plan;
      pending = [];
      sent = 0;
      nextSend = now;
    });
    const { kind } = tunnel.liveness;
    if (kind !== before && kind in reached) reached[kind as keyof typeof reached] += 1;
  }
  return { probes, suspects: reached.suspect, soft: reached.soft_down, hard: reached.hard_down };
}

/** A tunnel that has just come up, and the plan its probing begins with. */
function staged(): { readonly state: State; readonly tunnel: Tunnel; readonly plan: ProbePlan } {
  const config = simulatedConfig({ tunnels: [simulatedTunnel('he')], health: HEALTH_DEFAULTS });
  const state: State = { ...initialState(config), phase: 'running' };
  const reading = {
    link: 'up',
    address: '2001:db8::2',
    prefixLength: 64,
    gateway: null,
    mtu: null,
    counters: null,
    carrier: null,
  } as const;
  const plans: ProbePlan[] = [];
  const up: Tunnel = { ...state.tunnels[0]!, state: { kind: 'up', since: 0 }, reading };
  const tunnel = settleProbing(up, state, 0, (effect) => {
    if (effect.type === 'probe' && effect.plan !== null) plans.push(effect.plan);
  });
  return { state, tunnel, plan: plans[0]! };
}
