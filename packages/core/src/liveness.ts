import type { HealthPolicy } from './config/model.js';
import type { ProbeOutcome } from './facts.js';
import { type Instant, LONG_AGO, type Millis } from './units.js';

/**
 * Does anything come back at all? Answered within seconds, from single probes, beside the score,
 * which answers "how well?" over a minute. They never override each other.
 */
export type LivenessKind =
  /** Has just come up: not judged yet. */
  | 'unknown'
  | 'alive'
  /** The last probe was lost; quick probes are settling the matter. */
  | 'suspect'
  /** New flows belong elsewhere. Nothing is torn down, so a false alarm costs nothing. */
  | 'soft_down'
  /** Unreachable: score 0. */
  | 'hard_down';

export interface Liveness {
  readonly kind: LivenessKind;
  readonly since: Instant;
  /** In a row. */
  readonly misses: number;
  readonly replies: number;
  /** When the present row of misses began. */
  readonly missingSince: Instant | null;
  /** When the youngest probe that was answered had been sent: so long ago it is proven alive. */
  readonly provenAt: Instant;
  /** From then on the verdict `alive` is steady enough to move traffic by. */
  readonly steadyAt: Instant;
  /** Received bytes at the first look after the row of misses began; what comes on top vetoes a verdict. */
  readonly rxBaseline: bigint | null;
  /** When received traffic first vetoed a verdict since the last reply. */
  readonly vetoSince: Instant | null;
  /** The network itself reported undeliverable probes: its error messages are no sign of life. */
  readonly refused: boolean;
}

/** A tunnel back from the dead carries traffic only after this, so that one that shared its fate can come back too. */
export const RECOVERY_GRACE: Millis = 1_000;

/** Received bytes that count as life: more than neighbour discovery and strays bring in a few seconds. */
export const RX_VETO_BYTES = 1_500n;

/** Received traffic outvotes silent probes for so long: one direction of a tunnel may be dead. */
export const VETO_AT_MOST: Millis = 10_000;

export function newborn(now: Instant): Liveness {
  return {
    kind: 'unknown',
    since: now,
    misses: 0,
    replies: 0,
    missingSince: null,
    provenAt: LONG_AGO,
    steadyAt: now,
    rxBaseline: null,
    vetoSince: null,
    refused: false,
  };
}

/** What one more probe says. */
export function observeOutcome(was: Liveness, outcome: ProbeOutcome, now: Instant, policy: HealthPolicy): Liveness {
  return inShape(observed(was, outcome, now, policy));
}

/** Why: `inShape` in tunnel.ts. */
function inShape(l: Liveness): Liveness {
  return {
    kind: l.kind,
    since: l.since,
    misses: l.misses,
    replies: l.replies,
    missingSince: l.missingSince,
    provenAt: l.provenAt,
    steadyAt: l.steadyAt,
    rxBaseline: l.rxBaseline,
    vetoSince: l.vetoSince,
    refused: l.refused,
  };
}

function observed(was: Liveness, outcome: ProbeOutcome, now: Instant, policy: HealthPolicy): Liveness {
  if (outcome.kind !== 'reply') return observeMiss(was, outcome.kind === 'refused', now, policy);
  // A late reply proves life but not quickness: it breaks the row of misses and no more.
  const proven = { ...was, provenAt: Math.max(was.provenAt, now - outcome.rtt) };
  if (outcome.late) return { ...proven, misses: 0, missingSince: null, rxBaseline: null };
  return observeReply(proven, now, policy);
}

function observeReply(was: Liveness, now: Instant, policy: HealthPolicy): Liveness {
  const next: Liveness = {
    ...was,
    misses: 0,
    replies: was.replies + 1,
    missingSince: null,
    rxBaseline: null,
    vetoSince: null,
    refused: false,
  };
  switch (was.kind) {
    case 'alive':
      return next;
    case 'suspect':
      return { ...next, kind: 'alive', since: now };
    case 'unknown':
      return next.replies < policy.repliesToAlive ? next : { ...next, kind: 'alive', since: now, steadyAt: now };
    case 'soft_down':
    case 'hard_down':
      if (next.replies < policy.repliesToAlive) return next;
      return { ...next, kind: 'alive', since: now, steadyAt: now + RECOVERY_GRACE };
  }
}

function observeMiss(was: Liveness, refused: boolean, now: Instant, policy: HealthPolicy): Liveness {
  const next: Liveness = {
    ...was,
    misses: was.misses + 1,
    replies: 0,
    missingSince: was.missingSince ?? now,
    refused: was.refused || refused,
  };
  const hard = next.misses >= policy.missesToHardDown && now - (next.missingSince ?? now) >= policy.hardDownAfter;
  switch (was.kind) {
    case 'alive':
      return { ...next, kind: 'suspect', since: now };
    case 'suspect':
      return next.misses >= policy.missesToSoftDown ? { ...next, kind: 'soft_down', since: now } : next;
    case 'unknown':
    case 'soft_down':
      return hard ? { ...next, kind: 'hard_down', since: now } : next;
    case 'hard_down':
      return next;
  }
}

/**
 * What received bytes say while probes are missed: growth proves the tunnel brings something in, so
 * the row of misses starts over. Not for ever, and not where the network itself reported failure.
 */
export function observeRx(was: Liveness, rx: bigint, now: Instant): Liveness {
  if (was.misses === 0 || was.refused || was.kind === 'hard_down') return was;
  if (was.rxBaseline === null || rx < was.rxBaseline) return { ...was, rxBaseline: rx };
  if (rx - was.rxBaseline < RX_VETO_BYTES) return was;
  const vetoSince = was.vetoSince ?? now;
  if (now - vetoSince > VETO_AT_MOST) return was;
  return { ...was, misses: 0, missingSince: null, rxBaseline: rx, vetoSince };
}

/** Traffic should be elsewhere. */
export function isDown(liveness: Liveness): boolean {
  return liveness.kind === 'soft_down' || liveness.kind === 'hard_down';
}

/** When the present row of misses began, of a tunnel that is silent. */
export function silentSince(liveness: Liveness): Instant {
  return liveness.missingSince ?? liveness.since;
}
