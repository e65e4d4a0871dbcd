import type {
  DiagnosisView,
  EventDocument,
  HistorySample,
  PortDocument,
  ProbeStream,
  UnixSeconds,
} from '@hurricane/core';

// Documents that exist only here. Those that REST and the command line show too are core's.

export interface HistoryReport {
  readonly since: UnixSeconds;
  readonly until: UnixSeconds;
  /** In file order. */
  readonly tunnels: readonly TunnelHistoryReport[];
}

export interface TunnelHistoryReport {
  readonly tunnel: string;
  readonly summary: HistorySummary;
  /** Oldest first. */
  readonly samples: readonly HistorySample[];
}

/** Null: nothing is known. */
export interface HistorySummary {
  /** For so many seconds of the window there are measurements. */
  readonly known_s: number;
  /** For so many seconds the score was 0. */
  readonly unreachable_s: number;
  readonly latency_ms: Spread | null;
  /** 0 to 1. */
  readonly loss: Spread | null;
  readonly score: Spread | null;
  readonly rx_bytes: number | null;
  readonly tx_bytes: number | null;
}

export interface Spread {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

export interface EventsReport {
  /** Oldest first. */
  readonly events: readonly EventDocument[];
  /** Events after `since` have been overwritten. */
  readonly gap: boolean;
  /** What to give as `since` next. */
  readonly last_id: number;
}

export interface DiagnosisReport extends DiagnosisView {
  readonly watched_s: number;
  readonly probes: readonly ProbeTallyRow[];
}

/** Probes of one row that came to their end while it was watched. */
export interface ProbeTallyRow {
  readonly tunnel: string;
  readonly stream: ProbeStream;
  readonly target: string;
  readonly sent: number;
  readonly answered: number;
  readonly median_ms: number | null;
}

/** What a control tool leaves behind. */
export interface ControlReport {
  readonly status: 'ok';
  readonly preferred: string | null;
  /** What carries the traffic at this moment, which may not be the choice yet. */
  readonly primary: string | null;
}

export type MappedReport = { readonly status: 'ok' } & PortDocument;
