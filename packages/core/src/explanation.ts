import type { HealthScore } from './health.js';
import type { LivenessKind } from './liveness.js';
import type { SwitchReason } from './news.js';
import type { TunnelState } from './tunnel.js';
import type { UnixMillis, UnixSeconds } from './units.js';

// Documents: they go on the wire as they are, and so are named as the wire has it.

/** Why the route is where it is, who was passed over for what, and what would move it. */
export interface FailoverExplanation {
  readonly primary: string | null;
  /** Whom the operator asked for; null: the choice is automatic. */
  readonly preferred: string | null;
  /** `stranded`: the primary is sick and nobody else is fit. */
  readonly state: 'idle' | 'holding' | 'stranded';
  /** Since when the primary has had the route, or has been stranded; null while there is none. */
  readonly since: UnixSeconds | null;
  /** The rule in force, one sentence. */
  readonly rule: string;
  /** What would have to happen for the route to move, one sentence each. */
  readonly next: readonly string[];
  /** Best first. */
  readonly candidates: readonly Candidate[];
  /** Newest first, at most 50. */
  readonly switches: readonly SwitchRecord[];
}

/** A tunnel, as the choice of a primary sees it. */
export interface Candidate {
  readonly tunnel: string;
  /** 0 is the most preferred. */
  readonly priority: number;
  /** What it stands at: 0 while it answers nothing. Null while nothing has been measured. */
  readonly score: HealthScore | null;
  /** Points for its priority. */
  readonly bonus: number;
  /** `score` and `bonus` together. */
  readonly rank: number | null;
  readonly state: TunnelState['kind'];
  readonly liveness: LivenessKind;
  /** Where it is broken, seen from this machine outwards; null while it is not, or that is unknown. */
  readonly fault_place: string | null;
  /** Nothing speaks against its having the route. The first one that is fit has it, or gets it. */
  readonly fit: boolean;
  /** What speaks against it, the end of a sentence that begins with its name; null when it is fit. */
  readonly passed_over: string | null;
}

/** One move of the route, and what was known when it was decided. */
export interface SwitchRecord {
  readonly at: UnixMillis;
  /** Null: nobody had the route. */
  readonly from: string | null;
  readonly to: string;
  /** `selected`: nobody had the route before. */
  readonly reason: SwitchReason | 'selected' | 'preferred';
  readonly from_score: HealthScore | null;
  readonly to_score: HealthScore | null;
  /** As they were judged, best first. */
  readonly candidates: readonly Candidate[];
}
