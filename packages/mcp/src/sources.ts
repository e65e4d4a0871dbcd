import type { Clock, GatewayError, GatewayStatus, Insight, PortMappings, State, StepRecord } from '@hurricane/core';
import type { Result } from 'neverthrow';

/** What MCP asks of a gateway. A `Gateway` has all of it. */
export interface GatewaySource {
  /** What is true at this moment. Must not wait. */
  status(): GatewayStatus;
  /** What it judges by; without it there is neither diagnosis nor simulation. To be read only. */
  readonly state?: State;
  readonly clock?: Pick<Clock, 'now'>;
  /** Calls `observer` for each step; without it, a diagnosis cannot watch. Returns the way to stop it. */
  observe?(observer: (record: StepRecord) => void): () => void;
  /** Without the verbs there are no tools that use them, whatever is allowed. */
  raise?(tunnel: string): Result<void, GatewayError>;
  lower?(tunnel: string): Result<void, GatewayError>;
  prefer?(tunnel: string | null): Result<void, GatewayError>;
}

/** What happened, kept in bounded memory. An `Insight` has all of it. */
export type InsightSource = Pick<Insight, 'explain' | 'history' | 'news'>;

/** Where the documents come from. What is left out is answered with an error that says so. */
export interface Sources {
  readonly gateway: GatewaySource;
  readonly insight?: InsightSource;
  readonly ports?: PortMappings;
}
