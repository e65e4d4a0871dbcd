import type { UnixSeconds } from './units.js';

// Documents: they go on the wire as they are, and so are named as the wire has it.

/** What is asked of the past. */
export interface HistoryQuery {
  /** Null: every tunnel. */
  readonly tunnel: string | null;
  /** Only samples later than this; null: all that are kept. */
  readonly since: UnixSeconds | null;
}

export interface HistoryTier {
  /** Seconds from one sample to the next. */
  readonly resolution_s: 1 | 10 | 60;
  /** For so many seconds. */
  readonly kept_s: number;
}

export interface HistoryView {
  /** Finest first. */
  readonly tiers: readonly HistoryTier[];
  /** In file order. */
  readonly tunnels: readonly TunnelHistory[];
}

export interface TunnelHistory {
  readonly tunnel: string;
  /** Oldest first, each moment in the finest resolution that is still kept of it. */
  readonly samples: readonly HistorySample[];
}

/** One tunnel from `at` on for `resolution_s` seconds: the mean of what was known. Null: nothing was. */
export interface HistorySample {
  readonly at: UnixSeconds;
  readonly resolution_s: number;
  readonly latency_ms: number | null;
  /** 0 to 1. */
  readonly loss: number | null;
  /** 0 to 100. */
  readonly score: number | null;
  readonly rx_bytes_per_s: number | null;
  readonly tx_bytes_per_s: number | null;
}
