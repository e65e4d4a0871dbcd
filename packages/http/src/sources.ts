import type { GatewayError, GatewayStatus, Insight, PortMappings, UnixSeconds } from '@hurricane/core';
import type { Result } from 'neverthrow';
import type { LogLine } from './documents.js';

/** What the API asks of a gateway. A `Gateway` has all of it. */
export interface GatewaySource {
  /** What is true at this moment. Must not wait. */
  status(): GatewayStatus;
  /** Another object whenever `status()` may say something new, so that what it said can be shown again. */
  readonly state?: object;
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

/** One connection, or one session of datagrams, that a relay carries. */
export interface FlowRow {
  readonly id: number;
  readonly kind: 'tcp' | 'udp';
  readonly origin: string;
  readonly client: FlowPoint;
  readonly target: FlowPoint;
  readonly tunnel: string | null;
  readonly since: UnixSeconds;
  readonly sent: number;
  readonly received: number;
}

export interface FlowPoint {
  readonly address: string;
  readonly port: number;
}

/** What a relay's flows of one kind have come to since the start. */
export interface FlowSums {
  readonly kind: 'tcp' | 'udp';
  readonly active: number;
  readonly sent: number;
  readonly received: number;
  /** By how they ended, and by why they were not begun. */
  readonly ended: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
}

/** What a relay carries, and what went wrong. */
/** What a SOCKS5 proxy has been asked since its start. Keys are words of its own, never a client's. */
export interface Socks5Sums {
  readonly clients: number;
  /** Turned away before their first byte, by why. */
  readonly refused: Readonly<Record<string, number>>;
  /** Handshakes that came to nothing, by why. */
  readonly failed: Readonly<Record<string, number>>;
  readonly replies: Readonly<Record<string, number>>;
  readonly datagramsDropped: Readonly<Record<string, number>>;
  /** At this moment: clients that have not become a flow yet, and UDP associations. */
  readonly opening: number;
  readonly associations: number;
}

export interface FlowSource {
  /** The oldest first. */
  list(): readonly FlowRow[];
  totals(): readonly FlowSums[];
  /** Clients that could not be led on, and datagrams that were dropped. */
  faults(): readonly { readonly kind: 'tcp' | 'udp'; readonly reason: string; readonly count: number }[];
  /** What carries the bytes of connections. */
  engine?(): 'stream' | 'native';
  /** Null: there is no proxy. */
  socks5?(): Socks5Sums | null;
}

/** Where the documents come from. What is left out is answered with a problem that says so. */
export interface Sources {
  readonly gateway: GatewaySource;
  readonly insight?: InsightSource;
  readonly logs?: LogSource;
  readonly ports?: PortMappings;
  readonly flows?: FlowSource;
}
