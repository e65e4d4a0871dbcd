import type { HealthPolicy } from './config/model.js';
import type { ProbeOutcome } from './facts.js';
import type { Instant, Millis } from './units.js';

/** A whole number from 0 (dead) to 100 (perfect). */
export type HealthScore = number;

export interface HealthSummary {
  readonly reachable: boolean;
  /** Median round trip over the window; null when there were no replies. */
  readonly latency: Millis | null;
  /** 0 to 1. */
  readonly loss: number;
  readonly score: HealthScore;
}

/** Probes of one stretch of time. A burst of confirming probes weighs no more than the slot it falls in. */
export interface HealthSlot {
  readonly startedAt: Instant;
  readonly sent: number;
  readonly lost: number;
  /** Of the slot in progress; a finished slot keeps its median only. */
  readonly rtts: readonly Millis[];
}

/** Oldest first; only the last slot is still being filled. */
export type HealthWindow = readonly HealthSlot[];

/** Fewer probes than this say nothing: a slow first reply must not raise an alarm. */
export const MIN_PROBES = 5;

/** The seed's table. Upper bounds are exclusive: exactly 50 ms is good, not excellent. */
const LATENCY_POINTS: readonly (readonly [below: Millis, points: number])[] = [
  [50, 50],
  [100, 40],
  [200, 25],
  [500, 10],
  [Number.POSITIVE_INFINITY, 0],
];

/** README "Health Scoring": a delivered probe is worth 50, its speed up to 50 more. */
const REACHABILITY_POINTS = 50;

export function latencyPoints(latency: Millis): number {
  for (const [below, points] of LATENCY_POINTS) if (latency < below) return points;
  return 0;
}

/** Points a tunnel's place in the user's order adds when tunnels are ranked. Never part of the score. */
export function priorityBonus(priority: number): number {
  return Math.max(0, (5 - priority) * 5);
}

/** The window with one more probe in it, and without what is too old to matter. */
export function recordOutcome(
  window: HealthWindow,
  outcome: ProbeOutcome,
  now: Instant,
  policy: HealthPolicy,
): HealthWindow {
  if (outcome.kind === 'reply' && outcome.late) return unlose(window, outcome.rtt);
  const rolled = roll(window, now, policy);
  const open = rolled[rolled.length - 1]!;
  const slot: HealthSlot =
    outcome.kind === 'reply'
      ? { startedAt: open.startedAt, sent: open.sent + 1, lost: open.lost, rtts: [...open.rtts, outcome.rtt] }
      : { startedAt: open.startedAt, sent: open.sent + 1, lost: open.lost + 1, rtts: open.rtts };
  const next = rolled.slice();
  next[next.length - 1] = slot;
  return next;
}

/** Null while too little has been measured: unmeasured is not the same as bad. */
export function summarize(window: HealthWindow): HealthSummary | null {
  let sent = 0;
  let slots = 0;
  let lossSum = 0;
  const medians: Millis[] = [];
  for (const slot of window) {
    if (slot.sent === 0) continue;
    sent += slot.sent;
    slots += 1;
    lossSum += slot.lost / slot.sent;
    const middle = median(slot.rtts);
    if (middle !== null) putInOrder(medians, middle);
  }
  if (sent < MIN_PROBES) return null;
  const loss = lossSum / slots;
  const latency = middleOf(medians);
  const score = latency === null ? 0 : Math.round((1 - loss) * (REACHABILITY_POINTS + latencyPoints(latency)));
  return { reachable: latency !== null, latency, loss, score };
}

/** What a tunnel that answers nothing is worth, whatever it did a minute ago. */
export function unreachable(summary: HealthSummary | null): HealthSummary {
  return { reachable: false, latency: summary?.latency ?? null, loss: summary?.loss ?? 1, score: 0 };
}

/** Makes sure the last slot is the one `now` falls in, and forgets those that have left the window. */
function roll(window: HealthWindow, now: Instant, { window: { slots, slot } }: HealthPolicy): HealthWindow {
  const open = window[window.length - 1];
  if (open !== undefined && now < open.startedAt + slot) return window;
  const fresh: HealthSlot = { startedAt: now, sent: 0, lost: 0, rtts: [] };
  if (open === undefined) return [fresh];
  const middle = median(open.rtts);
  const { startedAt, sent, lost } = open;
  const closed: HealthSlot = { startedAt, sent, lost, rtts: middle === null ? [] : [middle] };
  const horizon = now - slots * slot;
  return [...window.slice(0, -1), closed, fresh].slice(-slots).filter((s) => s.startedAt > horizon);
}

/** A probe that was called lost came back: the loss is taken back where it was last counted. */
function unlose(window: HealthWindow, rtt: Millis): HealthWindow {
  for (let i = window.length - 1; i >= 0; i -= 1) {
    const slot = window[i]!;
    if (slot.lost === 0) continue;
    const open = i === window.length - 1;
    const back: HealthSlot = {
      ...slot,
      lost: slot.lost - 1,
      rtts: open || slot.rtts.length === 0 ? [...slot.rtts, rtt] : slot.rtts,
    };
    return [...window.slice(0, i), back, ...window.slice(i + 1)];
  }
  return window;
}

function median(values: readonly number[]): number | null {
  // Finished slots hold one value, and are asked at every probe.
  if (values.length < 2) return values[0] ?? null;
  const sorted: number[] = [];
  for (const value of values) putInOrder(sorted, value);
  return middleOf(sorted);
}

/** A window has at most a few dozen values: `sort` with its comparisons takes ten times as long, at every probe. */
function putInOrder(sorted: number[], value: number): void {
  let at = sorted.length;
  for (; at > 0 && sorted[at - 1]! > value; at -= 1) sorted[at] = sorted[at - 1]!;
  sorted[at] = value;
}

function middleOf(sorted: readonly number[]): number | null {
  if (sorted.length === 0) return null;
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * The most that a tunnel may be losing, 0 to 1, for all that its window shows: none of 12 probes lost is no
 * proof of a line that loses none. The rule of three: none of n lost bounds the loss by 3/n (95 %).
 */
export function lossAtMost(window: HealthWindow): number {
  let sent = 0;
  let lost = 0;
  for (const slot of window) {
    sent += slot.sent;
    lost += slot.lost;
  }
  return (lost + 3) / (sent + 3);
}
