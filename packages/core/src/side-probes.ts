import type { Config } from './config/model.js';
import type { Emit } from './effects.js';
import type { ProbeOutcome, ProbePlan } from './facts.js';
import { type Instant, LONG_AGO, type Millis, NEVER } from './units.js';

/**
 * What is asked beside the targets, and for its own sake: the provider's own end of the tunnel, the IPv4
 * path to the provider, the targets while something else stands in for them, and packets of full size.
 */
export type SideStream = 'pop' | 'underlay' | 'internet' | 'size';

export const SIDE_STREAMS: readonly SideStream[] = ['pop', 'underlay', 'internet', 'size'];

/** Every row of probes that a tunnel can have. `targets` is the one that its liveness and score rest on. */
export type ProbeStream = 'targets' | SideStream;

/** One side stream's plan, and what has come of it since the tunnel came up. */
export interface SideProbing {
  /** What the prober was last told; null: nothing, or to stop. */
  readonly told: ProbePlan | null;
  /** Failed tries to probe in a row. */
  readonly attempt: number;
  readonly retryAt: Instant;
  readonly asked: number;
  /** When the youngest probe that was answered had been sent. */
  readonly heardAt: Instant;
  /** Probes without an answer, in a row, and when the first of them was given up. */
  readonly misses: number;
  readonly missingSince: Instant | null;
  /** The network said, to the last probe, that it cannot deliver. */
  readonly refused: boolean;
}

export type SideProbes = { readonly [S in SideStream]: SideProbing };

const UNASKED: SideProbing = {
  told: null,
  attempt: 0,
  retryAt: LONG_AGO,
  asked: 0,
  heardAt: LONG_AGO,
  misses: 0,
  missingSince: null,
  refused: false,
};

/** Nothing is known; what the prober was told stays on record until it is told otherwise. */
export function forgotten(before: SideProbes | null): SideProbes {
  const fresh = (stream: SideStream): SideProbing => ({ ...UNASKED, told: before?.[stream].told ?? null });
  return { pop: fresh('pop'), underlay: fresh('underlay'), internet: fresh('internet'), size: fresh('size') };
}

/** What one more probe of a side stream says. */
export function observeSide(was: SideProbing, outcome: ProbeOutcome, now: Instant): SideProbing {
  const next = { ...was, attempt: 0 };
  if (outcome.kind !== 'reply') {
    const refused = outcome.kind === 'refused';
    const missingSince = was.missingSince ?? now;
    return { ...next, asked: was.asked + 1, misses: was.misses + 1, missingSince, refused };
  }
  // A late reply has been counted as a miss before.
  const asked = outcome.late ? was.asked : was.asked + 1;
  const heardAt = Math.max(was.heardAt, now - outcome.rtt);
  return { ...next, asked, heardAt, misses: 0, missingSince: null, refused: false };
}

/** Not being able to ask is no evidence: it is tried again later, and nobody need know. */
export function sideFailed(was: SideProbing, now: Instant, pause: Millis): SideProbing {
  return { ...was, told: null, attempt: was.attempt + 1, retryAt: now + pause };
}

/** Tells the prober what to do where that has changed. */
export function settleSides(
  sides: SideProbes,
  plans: { readonly [S in SideStream]: ProbePlan | null },
  tunnel: { readonly name: string; readonly epoch: number },
  now: Instant,
  emit: Emit,
): SideProbes {
  let settled = sides;
  for (const stream of SIDE_STREAMS) {
    const side = settled[stream];
    const plan = plans[stream];
    if (plan !== null && now < side.retryAt) continue;
    if (samePlan(plan, side.told)) {
      // Nobody asks any more, so nobody need try again.
      if (plan === null && side.retryAt !== LONG_AGO)
        settled = { ...settled, [stream]: { ...side, attempt: 0, retryAt: LONG_AGO } };
      continue;
    }
    emit({ type: 'probe', tunnel: tunnel.name, epoch: tunnel.epoch, stream, plan });
    // A row of misses is one row only while somebody asks.
    const begun = side.told === null ? { ...side, misses: 0, missingSince: null, refused: false } : side;
    settled = { ...settled, [stream]: { ...begun, told: plan, retryAt: LONG_AGO } };
  }
  return settled;
}

/** When the next failed try is due again. */
export function sidesWake(sides: SideProbes): Instant {
  let due: Instant = NEVER;
  for (const stream of SIDE_STREAMS) {
    const { retryAt } = sides[stream];
    if (retryAt !== LONG_AGO && retryAt < due) due = retryAt;
  }
  return due;
}

export function samePlan(a: ProbePlan | null, b: ProbePlan | null): boolean {
  if (a === null || b === null) return a === b;
  const targets = a.targets.length === b.targets.length && a.targets.every((target, i) => target === b.targets[i]);
  const deadline = a.deadline.min === b.deadline.min && a.deadline.max === b.deadline.max;
  const path = a.iface === b.iface && a.source === b.source && a.packetSize === b.packetSize;
  return targets && deadline && path && a.interval === b.interval;
}

/** A pause after so many failures in a row. */
export function sidePause(attempt: number, { operation }: Config): Millis {
  return Math.min(operation.retryMax, operation.retryMin * 2 ** Math.min(30, attempt));
}
