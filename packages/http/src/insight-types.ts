import type { LogLevel, News, SwitchReason, UnixSeconds } from '@hurricane/core';

export interface FailoverExplanation {
  readonly primary: string | null;
  readonly preferred: string | null;
  readonly state: 'idle' | 'holding' | 'stranded';
  readonly since: UnixSeconds | null;
  readonly rule: string;
  readonly next: readonly string[];
  readonly candidates: readonly Candidate[];
  readonly switches: readonly SwitchRecord[];
}

export interface Candidate {
  readonly tunnel: string;
  readonly priority: number;
  readonly score: number | null;
  readonly bonus: number;
  readonly rank: number | null;
  readonly state: string;
  readonly liveness: string;
  readonly fault_place: string | null;
  readonly fit: boolean;
  readonly passed_over: string | null;
}

export interface SwitchRecord {
  readonly at: number;
  readonly from: string | null;
  readonly to: string;
  readonly reason: SwitchReason | 'selected' | 'preferred';
  readonly from_score: number | null;
  readonly to_score: number | null;
  readonly candidates: readonly Candidate[];
}

export interface HistoryView {
  readonly tiers: readonly { readonly resolution_s: number; readonly kept_s: number }[];
  readonly tunnels: readonly { readonly tunnel: string; readonly samples: readonly HistorySample[] }[];
}

export interface HistorySample {
  readonly at: UnixSeconds;
  readonly resolution_s: number;
  readonly latency_ms: number | null;
  readonly loss: number | null;
  readonly score: number | null;
  readonly rx_bytes_per_s: number | null;
  readonly tx_bytes_per_s: number | null;
}

export interface NewsEntry {
  readonly id: number;
  readonly at: number;
  readonly level: LogLevel;
  readonly text: string;
  readonly news: News;
}
