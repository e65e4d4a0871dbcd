import type { GatewayError, GatewayStatus, PortMappings, UnixSeconds } from '@hurricane/core';
import type { Result } from 'neverthrow';
import type { LogLine } from './documents.js';
import type { FailoverExplanation, HistoryView, NewsEntry } from './insight-types.js';

/** What the API asks of a gateway. A `Gateway` has all of it. */
export interface GatewaySource {
  /** What is true at this moment. Must not wait. */
  status(): GatewayStatus;
  /** Without the verbs, the API shows and does nothing: they are answered with 503. */
  raise?(tunnel: string): Result<void, GatewayError>;
  lower?(tunnel: string): Result<void, GatewayError>;
  restart?(tunnel: string): Result<void, GatewayError>;
  prefer?(tunnel: string | null): Result<void, GatewayError>;
}

/** What happened, kept in bounded memory. An `Insight` has all of it. */
export interface InsightSource {
  explain(): FailoverExplanation;
  history(query: { readonly tunnel: string | null; readonly since: UnixSeconds | null }): HistoryView;
  readonly news: NewsSource;
}

export interface NewsSource {
  /** Everything after that id; `gap`: some of it has been overwritten. Null: everything there is. */
  since(id: number | null): { readonly entries: readonly NewsEntry[]; readonly gap: boolean; readonly lastId: number };
  /** Calls `listener` for everything that happens from then on. Returns the way to stop it. */
  subscribe(listener: (entry: NewsEntry) => void): () => void;
}

/** What the program has logged, kept in bounded memory. */
export interface LogSource {
  /** Everything after that id; `gap`: some of it has been overwritten. Null: everything there is. */
  since(id: number | null): { readonly entries: readonly LogLine[]; readonly gap: boolean; readonly lastId: number };
}

/** Where the documents come from. What is left out is answered with a problem that says so. */
export interface Sources {
  readonly gateway: GatewaySource;
  readonly insight?: InsightSource;
  readonly logs?: LogSource;
  readonly ports?: PortMappings;
}
