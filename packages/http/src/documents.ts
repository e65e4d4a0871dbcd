import type { ConfigProblemDocument, LogLevel, PortDocument, UnixSeconds } from '@hurricane/core';

export type {
  ConfigDocument,
  ConfigProblemDocument,
  EventDocument,
  MappingSettings,
  PortDocument,
  PortsDocument,
  ProbeDocument,
  TunnelSettings,
} from '@hurricane/core';

// Documents that exist only in this API. Those that MCP and the command line show too are core's views.

/** `GET /`. */
export interface IndexDocument {
  readonly service: 'v6-gatewayd';
  readonly version: string;
  readonly endpoints: readonly string[];
}

export interface LivenessDocument {
  readonly status: 'alive';
}

export interface ReadinessDocument {
  readonly status: 'ready';
  readonly primary: string;
}

/** What `POST /failover` leaves behind. */
export interface PreferenceDocument {
  readonly status: 'ok';
  /** The operator's choice; null: the gateway chooses. */
  readonly preferred: string | null;
  /** What carries the traffic at this moment, which may not be the choice yet. */
  readonly primary: string | null;
}

/** `status` is the seed's. */
export type MappedDocument = { readonly status: 'ok' } & PortDocument;

/** A connection, or a session of datagrams. */
export interface FlowDocument {
  readonly id: number;
  readonly kind: 'tcp' | 'udp';
  readonly origin: string;
  readonly client: string;
  readonly target: string;
  readonly tunnel: string | null;
  readonly since: UnixSeconds;
  readonly sent_bytes: number;
  readonly received_bytes: number;
}

export interface FlowsDocument {
  /** How many there are; `flows` has the oldest of them. */
  readonly total: number;
  readonly flows: readonly FlowDocument[];
}

export interface CheckDocument {
  readonly valid: boolean;
  /** Why it would be refused. */
  readonly problems: readonly ConfigProblemDocument[];
  /** What would be accepted and not do what its author hopes. */
  readonly warnings: readonly ConfigProblemDocument[];
  /** How many tunnels it has; null when it is not valid. */
  readonly tunnels: number | null;
}

export interface LogLine {
  /** 1, 2, 3 … in order since the daemon started. */
  readonly id: number;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly level: LogLevel;
  readonly text: string;
}

export interface LogsDocument {
  readonly lines: readonly LogLine[];
  /** Lines after the one asked for have been overwritten. */
  readonly gap: boolean;
  /** What to ask for next as `since`. */
  readonly last_id: number;
}

/** What follows when events between two connections, or before the first, have been overwritten. */
export interface GapDocument {
  readonly last_id: number;
}
