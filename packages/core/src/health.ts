/** A whole number from 0 (dead) to 100 (perfect). */
export type HealthScore = number;
export interface HealthSummary {
  readonly reachable: boolean;
  /** Median round trip over the window; null when there were no replies. */
  readonly latency: number | null;
  /** 0 to 1. */
  readonly loss: number;
  readonly score: HealthScore;
}
