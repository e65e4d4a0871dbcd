import type { HealthPolicy } from './config/model.js';
import type { LinkCounters } from './facts.js';
import { probeDeadline, type RttEstimate } from './rtt.js';
import { type Instant, LONG_AGO, type Millis, NEVER } from './units.js';

/** What the meter says about the traffic through one tunnel. */
export interface Traffic {
  /** The last look, and when it was. */
  readonly counters: LinkCounters | null;
  readonly at: Instant;
  /** When bytes were last seen to have come in, and how many had gone out by then. */
  readonly rxAt: Instant;
  readonly txThen: bigint;
  /** The stretch being measured: its beginning, and what had come in by then. */
  readonly stretchAt: Instant;
  readonly stretchRx: bigint;
  /** Since when enough has come in, in every stretch and without a gap; null: it does not. */
  readonly flowingSince: Instant | null;
}

export const NO_TRAFFIC: Traffic = {
  counters: null,
  at: LONG_AGO,
  rxAt: LONG_AGO,
  txThen: 0n,
  stretchAt: LONG_AGO,
  stretchRx: 0n,
  flowingSince: null,
};

/** Traffic flows while every stretch brings in more than the answers to probes do, one of full size among them. */
const STRETCH: Millis = 1_000;
const STRETCH_BYTES = 3_000n;

/** Nothing has come in for so long, or for as long as an answer may take: what flowed has stopped. */
const GAP: Millis = 250;

/** So much has gone out into a gap that answers were to be expected. */
const GAP_BYTES = 300n;

/** Traffic proves a tunnel alive once it has flowed so long. */
const PROVEN_AFTER: Millis = 5_000;

/** A look at the counters older than this proves nothing. */
const LOOK_TRUST: Millis = 1_000;

/** `stalled`: what flowed has stopped, where it was relied upon or while bytes still went out. */
export function observeTraffic(
  was: Traffic,
  counters: LinkCounters,
  now: Instant,
  path: { readonly rtt: RttEstimate | null; readonly health: HealthPolicy },
): { readonly traffic: Traffic; readonly stalled: boolean } {
  const before = was.counters;
  if (before === null) {
    const { rx: stretchRx, tx: txThen } = counters;
    const first = { counters, at: now, rxAt: now, txThen, stretchAt: now, stretchRx, flowingSince: null };
    return { traffic: first, stalled: false };
  }
  const grew = counters.rx > before.rx;
  const rxAt = grew ? now : was.rxAt;
  const txThen = grew ? counters.tx : was.txThen;
  const looked = (stretchAt: Instant, stretchRx: bigint, flowingSince: Instant | null): Traffic => {
    return { counters, at: now, rxAt, txThen, stretchAt, stretchRx, flowingSince };
  };
  if (was.flowingSince !== null && now - rxAt >= gapOf(path)) {
    const stalled = now - was.flowingSince >= PROVEN_AFTER || counters.tx - txThen >= GAP_BYTES;
    return { traffic: looked(now, counters.rx, null), stalled };
  }
  if (now - was.stretchAt < STRETCH)
    return { traffic: looked(was.stretchAt, was.stretchRx, was.flowingSince), stalled: false };
  const enough = counters.rx - was.stretchRx >= STRETCH_BYTES;
  const flowingSince = enough ? (was.flowingSince ?? now) : null;
  return { traffic: looked(now, counters.rx, flowingSince), stalled: false };
}

function gapOf({ rtt, health }: { readonly rtt: RttEstimate | null; readonly health: HealthPolicy }): Millis {
  return Math.max(GAP, rtt === null ? 0 : probeDeadline(rtt, health.deadline));
}

/** Bytes have come in so steadily that a probe now and then is enough. */
export function provesLife(traffic: Traffic, now: Instant): boolean {
  const { flowingSince, at } = traffic;
  return flowingSince !== null && now - flowingSince >= PROVEN_AFTER && now - at <= LOOK_TRUST;
}

/** When what it proves ends by itself, unless somebody looks again. */
export function trafficWake({ flowingSince, at }: Traffic, now: Instant): Instant {
  const ends = at + LOOK_TRUST + 1;
  return flowingSince === null || ends <= now ? NEVER : ends;
}
