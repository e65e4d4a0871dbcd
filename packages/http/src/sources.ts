import type { GatewayError, GatewayStatus, Insight, PortMappings } from '@hurricane/core';
import type { Result } from 'neverthrow';
import type { LogLine } from './documents.js';

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
export type InsightSource = Pick<Insight, 'explain' | 'history' | 'news'>;

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
