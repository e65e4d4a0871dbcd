import type { Config, TunnelConfig } from './config/model.js';
import type { ProbePlan } from './contracts.js';
import type { Effect, Emit } from './effects.js';
import type { DriverError, LinkReading, ProbeFinding } from './facts.js';
import { type HealthSummary, type HealthWindow, recordOutcome, summarize, unreachable } from './health.js';
import { type Liveness, newborn, observeOutcome, observeRx } from './liveness.js';
import { observeRtt, type RttEstimate } from './rtt.js';
import { carriesRoute, type State } from './state.js';
import { type Instant, LONG_AGO, type Millis, NEVER } from './units.js';

export type TunnelState =
  | { readonly kind: 'down' }
  /** `calledOff`: it is not due any more; the driver has been asked to give up. */
  | { readonly kind: 'starting'; readonly deadline: Instant; readonly attempt: number; readonly calledOff: boolean }
  | { readonly kind: 'up'; readonly since: Instant }
  | { readonly kind: 'stopping'; readonly deadline: Instant; readonly attempt: number }
  /** `lowering`: what failed was taking it down. */
  | {
      readonly kind: 'failed';
      readonly fault: DriverError;
      readonly lowering: boolean;
      readonly attempt: number;
      readonly retryAt: Instant;
    };

/** Whether somebody is looking at the interface right now. */
export type Look =
  | { readonly kind: 'idle'; readonly nextAt: Instant }
  /** `again`: something changed meanwhile, so this answer may be out of date. */
  | { readonly kind: 'busy'; readonly deadline: Instant; readonly again: boolean };

export interface Tunnel {
  readonly config: TunnelConfig;
  /** What the host was last asked to run; null once it is known to run nothing of ours. */
  readonly running: TunnelConfig | null;
  /** What the operator asks for. `state` says what is; `settle` closes the gap. */
  readonly wanted: boolean;
  /** A reload left it out: it goes for good once it is down. */
  readonly leaving: boolean;
  readonly state: TunnelState;
  /** Grows with every operation begun; an answer carrying an older one is too late to matter. */
  readonly epoch: number;
  readonly reading: LinkReading | null;
  readonly look: Look;
  readonly liveness: Liveness;
  readonly window: HealthWindow;
  readonly health: HealthSummary | null;
  readonly rtt: RttEstimate | null;
  readonly probing: Probing;
  readonly lastProbedAt: Instant | null;
  /** Since when it has been continuously fit to carry traffic, lost single probes aside. */
  readonly soundSince: Instant | null;
  /** How often in a row it lost the route by its own fault. */
  readonly flaps: number;
}

export interface Probing {
  /** What the prober was last told. */
  readonly told: ProbePlan | null;
  /** The target that is asked regularly. */
  readonly target: string | null;
  /** Whether it has answered since the present doubt began. */
  readonly answered: boolean;
  /** Who answered last, unless its next probe was lost. While there is one, the others' silence is their own affair. */
  readonly voice: string | null;
  readonly attempt: number;
  readonly retryAt: Instant;
}

/** A full look at each tunnel's interface at least so often, however quiet the host's monitor is. */
const LOOK_INTERVAL: Millis = 30_000;

const UNHEARD = { target: null, answered: false, voice: null, attempt: 0, retryAt: LONG_AGO } as const;

export function newTunnel(config: TunnelConfig): Tunnel {
  return {
    config,
    running: null,
    wanted: config.enabled,
    leaving: false,
    state: { kind: 'down' },
    epoch: 0,
    reading: null,
    look: { kind: 'idle', nextAt: NEVER },
    ...unjudged(LONG_AGO, null),
    lastProbedAt: null,
    flaps: 0,
  };
}

type Starting = Extract<TunnelState, { kind: 'starting' }>;
type Judgement = Pick<Tunnel, 'liveness' | 'window' | 'health' | 'rtt' | 'probing' | 'soundSince'>;

/** What the prober was told stays on record until it is told otherwise. */
function unjudged(now: Instant, told: ProbePlan | null): Judgement {
  const probing: Probing = { ...UNHEARD, told };
  return { liveness: newborn(now), window: [], health: null, rtt: null, probing, soundSince: null };
}

// --- what events record -------------------------------------------------------------------------

export function raised(t: Tunnel, reading: LinkReading, now: Instant): Tunnel {
  if (t.state.kind !== 'starting') return t;
  const look: Look = { kind: 'idle', nextAt: now + LOOK_INTERVAL };
  return { ...t, state: { kind: 'up', since: now }, reading, look, ...unjudged(now, t.probing.told) };
}

export function lowered(t: Tunnel): Tunnel {
  if (t.state.kind !== 'stopping') return t;
  return { ...t, state: { kind: 'down' }, running: null, reading: null, ...unjudged(LONG_AGO, t.probing.told) };
}

export function failed(t: Tunnel, fault: DriverError, now: Instant, config: Config): Tunnel {
  const attempt = 'attempt' in t.state ? t.state.attempt : 1;
  const retryAt = now + backoff(attempt, config);
  return {
    ...t,
    state: { kind: 'failed', fault, lowering: t.state.kind === 'stopping', attempt, retryAt },
    look: { kind: 'idle', nextAt: NEVER },
    ...unjudged(now, t.probing.told),
  };
}

export function inspected(t: Tunnel, reading: LinkReading, now: Instant, config: Config): Tunnel {
  if (t.look.kind !== 'busy') return t;
  const look: Look = { kind: 'idle', nextAt: t.look.again ? now : now + LOOK_INTERVAL };
  if (t.state.kind !== 'up') return { ...t, look };
  if (reading.link !== 'up')
    return failed({ ...t, reading }, { kind: 'interface_missing', iface: t.config.iface }, now, config);
  return { ...t, look, reading };
}

export function inspectionFailed(t: Tunnel, now: Instant): Tunnel {
  return t.look.kind === 'busy' ? { ...t, look: { kind: 'idle', nextAt: now + LOOK_INTERVAL } } : t;
}

/** Something about its interface changed: look now, and try again soon if it failed for want of that interface. */
export function stirred(t: Tunnel, now: Instant, config: Config): Tunnel {
  if (t.state.kind === 'up')
    return { ...t, look: t.look.kind === 'busy' ? { ...t.look, again: true } : { kind: 'idle', nextAt: now } };
  if (t.state.kind !== 'failed' || t.state.fault.kind !== 'interface_missing') return t;
  return { ...t, state: { ...t.state, retryAt: Math.min(t.state.retryAt, now + config.operation.retryMin) } };
}

export function probed(t: Tunnel, finding: ProbeFinding, now: Instant, config: Config): Tunnel {
  if (t.state.kind !== 'up') return t;
  const { outcome, target } = finding;
  const policy = config.health;
  const { voice } = t.probing;
  const replied = outcome.kind === 'reply';
  const spokenFor = !replied && voice !== null && voice !== target;
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

export function measured(t: Tunnel, rx: bigint, tx: bigint, now: Instant): Tunnel {
  if (t.state.kind !== 'up' || t.reading === null) return t;
  return { ...t, reading: { ...t.reading, counters: { rx, tx } }, liveness: observeRx(t.liveness, rx, now) };
}

export function probingFailed(t: Tunnel, now: Instant, config: Config): Tunnel {
  if (t.state.kind !== 'up') return t;
  const attempt = t.probing.attempt + 1;
  return { ...t, probing: { ...t.probing, told: null, attempt, retryAt: now + backoff(attempt, config) } };
}

// --- what follows -------------------------------------------------------------------------------

/** Wanted, by the configuration that is running. A changed one goes down first. */
export function isDue(t: Tunnel, state: State): boolean {
  return t.wanted && state.phase === 'running' && (t.running === null || sameTunnel(t.running, t.config));
}

/** Fit to carry traffic, but for a probe that may just have been lost. */
export function isSound(t: Tunnel, state: State): boolean {
  if (!isDue(t, state) || t.state.kind !== 'up' || t.health === null) return false;
  const alive = t.liveness.kind === 'alive' || t.liveness.kind === 'suspect';
  return alive && t.health.score >= state.config.failover.takeAtLeast;
}

/** Brings one tunnel nearer to what is wanted of it. */
export function settleTunnel(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  const moved = settleOperation(t, state, now, emit);
  const seen = settleLook(moved, state, now, emit);
  const sound = isSound(seen, state);
  const since = !sound ? null : (seen.soundSince ?? now);
  return settleProbing(since === seen.soundSince ? seen : { ...seen, soundSince: since }, state, now, emit);
}

function settleOperation(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  const due = isDue(t, state);
  const { timeout } = state.config.operation;
  const begin = (type: 'raise' | 'lower', attempt: number): Tunnel => {
    const epoch = t.epoch + 1;
    const tunnel = type === 'raise' ? t.config : (t.running ?? t.config);
    emit({ type, tunnel, epoch });
    const deadline = now + timeout;
    const next: TunnelState =
      type === 'raise'
        ? { kind: 'starting', deadline, attempt, calledOff: false }
        : { kind: 'stopping', deadline, attempt };
    const look: Look = { kind: 'idle', nextAt: NEVER };
    return { ...t, epoch, running: tunnel, look, state: next, ...unjudged(now, t.probing.told) };
  };
  switch (t.state.kind) {
    case 'down':
      return due && interfaceFree(t, state) ? begin('raise', 1) : t;
    case 'starting':
    case 'stopping': {
      const expired = now >= t.state.deadline;
      const callOff = t.state.kind === 'starting' && !due && !t.state.calledOff;
      if (expired || callOff) emit({ type: 'abort', scope: { tunnel: t.config.name } });
      if (!expired) return callOff ? { ...t, state: { ...(t.state as Starting), calledOff: true } } : t;
      return failed({ ...t, epoch: t.epoch + 1 }, { kind: 'timed_out', after: timeout }, now, state.config);
    }
    case 'failed':
      // A failed operation may have half happened, so the way out is down first unless it is wanted up.
      if (due) return now < t.state.retryAt ? t : begin('raise', t.state.attempt + 1);
      if ((t.state.lowering && now < t.state.retryAt) || carriesRoute(state, t)) return t;
      return begin('lower', t.state.lowering ? t.state.attempt + 1 : 1);
    case 'up':
      // A tunnel carrying the default route is lowered only once the route has left it.
      return due || carriesRoute(state, t) ? t : begin('lower', 1);
  }
}

/** Two tunnels may trade interfaces in one reload: the first to go must be gone. */
function interfaceFree(t: Tunnel, state: State): boolean {
  return !state.tunnels.some((o) => o !== t && o.config.name !== t.config.name && o.running?.iface === t.config.iface);
}

function settleLook(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  if (t.state.kind !== 'up') return t;
  if (t.look.kind === 'busy' ? now < t.look.deadline : now < t.look.nextAt) return t;
  emit({ type: 'inspect', tunnel: t.running ?? t.config, epoch: t.epoch });
  return { ...t, look: { kind: 'busy', deadline: now + state.config.operation.timeout, again: false } };
}

function settleProbing(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  const plan = probePlan(t, state.config);
  if (plan !== null && now < t.probing.retryAt) return t;
  if (samePlan(plan, t.probing.told)) return t;
  const effect: Effect = { type: 'probe', tunnel: t.config.name, epoch: t.epoch, plan };
  emit(effect);
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
    iface: t.config.iface,
    source,
    targets: calm ? [first] : [first, ...rest],
    interval: calm || dead ? policy.interval : policy.quickInterval,
    deadline: policy.deadline,
    rtt: t.rtt,
  };
}

/** When `settleTunnel` next has something to do by itself. */
export function tunnelWake(t: Tunnel, state: State): Instant {
  switch (t.state.kind) {
    case 'down':
      return NEVER;
    case 'starting':
    case 'stopping':
      return t.state.deadline;
    case 'failed':
      return isDue(t, state) || !carriesRoute(state, t) ? t.state.retryAt : NEVER;
    case 'up': {
      const look = t.look.kind === 'busy' ? t.look.deadline : t.look.nextAt;
      const probing = t.probing.told === null && t.reading?.address != null ? t.probing.retryAt : NEVER;
      return Math.min(look, probing === LONG_AGO ? NEVER : probing);
    }
  }
}

/** Enough replies in a row that every target has had its turn. */
function calmReplies(targets: number, repliesToAlive: number): number {
  return Math.max(targets, repliesToAlive);
}

export function backoff(attempt: number, { operation }: Config): Millis {
  return Math.min(operation.retryMax, operation.retryMin * 2 ** Math.min(30, Math.max(0, attempt - 1)));
}

/** Whether the host sees no difference: priority and the like are the gateway's own affair. */
function sameTunnel(a: TunnelConfig, b: TunnelConfig): boolean {
  if (a === b) return true;
  const essence = (t: TunnelConfig): string => JSON.stringify({ ...t, name: '', enabled: true, priority: 0 });
  return essence(a) === essence(b);
}

function samePlan(a: ProbePlan | null, b: ProbePlan | null): boolean {
  if (a === null || b === null) return a === b;
  const targets = a.targets.length === b.targets.length && a.targets.every((target, i) => target === b.targets[i]);
  return targets && a.iface === b.iface && a.source === b.source && a.interval === b.interval;
}
