import type { Config, HealthPolicy, TunnelConfig } from './config/model.js';
import type { DriverError, LinkReading, ProbePlan } from './facts.js';
import type { HealthSummary, HealthWindow } from './health.js';
import { type Liveness, newborn, silentSince } from './liveness.js';
import { probeDeadline, type RttEstimate } from './rtt.js';
import { forgotten, type SideProbes } from './side-probes.js';
import type { State } from './state.js';
import { NO_TRAFFIC, type Traffic } from './traffic.js';
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
  /** It is to go down before it comes up again. */
  readonly restarting: boolean;
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
  readonly sides: SideProbes;
  /** What the meter has read since it came up. */
  readonly traffic: Traffic;
  readonly lastProbedAt: Instant | null;
  /** Since when it has been continuously fit to carry traffic, lost single probes aside. */
  readonly soundSince: Instant | null;
  /** Connections over it have been ended since it became unreachable. */
  readonly flowsAborted: boolean;
  /** How often it has become unreachable of late, and when last. */
  readonly unrest: Unrest;
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
  /** Who answered last, unless its next probe was lost. While it is asked, the others' silence is their own affair. */
  readonly voice: string | null;
  readonly attempt: number;
  readonly retryAt: Instant;
}

export interface Unrest {
  readonly times: number;
  readonly at: Instant;
}

/** Steady for so long, it has lived down how it was before. */
const UNREST_MEMORY: Millis = 600_000;

/** A tunnel that comes and goes more often is news no more, to people. */
export const UNREST_SAID = 3;

export function moreUnrest({ times, at }: Unrest, now: Instant): Unrest {
  return { times: now - at > UNREST_MEMORY ? 1 : times + 1, at: now };
}

/** A full look at each tunnel's interface at least so often, however quiet the host's monitor is. */
export const LOOK_INTERVAL: Millis = 30_000;

const UNHEARD = { target: null, answered: false, voice: null, attempt: 0, retryAt: LONG_AGO } as const;

export function newTunnel(config: TunnelConfig): Tunnel {
  return inShape({
    config,
    running: null,
    wanted: config.enabled,
    restarting: false,
    leaving: false,
    state: { kind: 'down' },
    epoch: 0,
    reading: null,
    look: { kind: 'idle', nextAt: NEVER },
    ...unjudged(LONG_AGO, null),
    lastProbedAt: null,
    flowsAborted: false,
    unrest: { times: 0, at: LONG_AGO },
    flaps: 0,
  });
}

/**
 * The same tunnel, field by field. Node 20 makes the result of each `{ ...t }` an object of another hidden class,
 * by the place where that is written and by what came in; what reads objects of more than four classes has to look
 * each field up. So whatever is kept in the state of a gateway, and asked for thousands of times a second, goes
 * through here last: without it 1,000 tunnels cost half as much again.
 */
export function inShape(t: Tunnel): Tunnel {
  return {
    config: t.config,
    running: t.running,
    wanted: t.wanted,
    restarting: t.restarting,
    leaving: t.leaving,
    state: t.state,
    epoch: t.epoch,
    reading: t.reading,
    look: t.look,
    liveness: t.liveness,
    window: t.window,
    health: t.health,
    rtt: t.rtt,
    traffic: t.traffic,
    probing: t.probing,
    sides: t.sides,
    soundSince: t.soundSince,
    lastProbedAt: t.lastProbedAt,
    flowsAborted: t.flowsAborted,
    unrest: t.unrest,
    flaps: t.flaps,
  };
}

export type Starting = Extract<TunnelState, { kind: 'starting' }>;
type Judgement = Pick<
  Tunnel,
  'liveness' | 'window' | 'health' | 'rtt' | 'traffic' | 'probing' | 'sides' | 'soundSince'
>;

/** What the prober was told stays on record until it is told otherwise. */
export function unjudged(now: Instant, before: Pick<Tunnel, 'probing' | 'sides'> | null): Judgement {
  return {
    liveness: newborn(now),
    window: [],
    health: null,
    rtt: null,
    traffic: NO_TRAFFIC,
    probing: { ...UNHEARD, told: before?.probing.told ?? null },
    sides: forgotten(before?.sides ?? null),
    soundSince: null,
  };
}

/** Wanted, by the configuration that is running. A changed one goes down first, and so does one that restarts. */
export function isDue(t: Tunnel, state: State): boolean {
  return (
    t.wanted && !t.restarting && state.phase === 'running' && (t.running === null || sameTunnel(t.running, t.config))
  );
}

/** The interface it runs on, which a reload may be about to change. */
export function ifaceOf(t: Tunnel): string {
  return (t.running ?? t.config).iface;
}

/** When the first probe that was missed had been sent: nothing is known to have come back of what was sent later. */
export function silentFrom({ liveness, rtt }: Tunnel, health: HealthPolicy): Instant {
  return silentSince(liveness) - probeDeadline(rtt, health.deadline);
}

export function backoff(attempt: number, { operation }: Config): Millis {
  return Math.min(operation.retryMax, operation.retryMin * 2 ** Math.min(30, Math.max(0, attempt - 1)));
}

/** Whether the host sees no difference: priority and the like are the gateway's own affair. */
export function sameTunnel(a: TunnelConfig, b: TunnelConfig): boolean {
  if (a === b) return true;
  const essence = (t: TunnelConfig): string =>
    JSON.stringify({ ...t, name: '', enabled: true, priority: 0, popAddress: '' });
  return essence(a) === essence(b);
}
