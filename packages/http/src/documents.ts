import type { LogLevel, MappingState, PortProtocol, TunnelType, UnixSeconds } from '@hurricane/core';

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

export interface PortDocument {
  readonly protocol: PortProtocol;
  readonly internal_host: string;
  readonly internal_port: number;
  readonly external_port: number;
  /** Null: it follows the primary, and there is none. */
  readonly v6_address: string | null;
  readonly auto: boolean;
  readonly direction: 'in' | 'out';
  readonly target: string | null;
  readonly description: string | null;
  /** Of its section in the configuration; null: made over this API. */
  readonly name: string | null;
  readonly state: MappingState;
  readonly problem: string | null;
  readonly since: UnixSeconds;
}

export interface PortsDocument {
  readonly ports: readonly PortDocument[];
}

/** `status` is the seed's. */
export type MappedDocument = { readonly status: 'ok' } & PortDocument;

export interface ProbeDocument {
  readonly status: 'reachable' | 'unreachable' | 'unknown';
  readonly port: number;
  readonly address: string | null;
  /** The tunnel it was sent out through. */
  readonly vantage: string | null;
  readonly latency_ms: number | null;
  readonly note: string;
}

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

export interface ConfigProblemDocument {
  readonly line: number | null;
  readonly where: string;
  readonly problem: string;
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

/** One event of `GET /events`. Members that a type of event has no use for are null. */
export interface EventDocument {
  readonly id: number;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly level: LogLevel;
  readonly type: string;
  /** One sentence. */
  readonly text: string;
  readonly tunnel: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string | null;
}

/** What follows when events between two connections, or before the first, have been overwritten. */
export interface GapDocument {
  readonly last_id: number;
}

export interface TunnelSettings {
  readonly name: string;
  readonly type: TunnelType;
  readonly iface: string;
  readonly enabled: boolean;
  readonly priority: number;
  readonly v6_prefix: string | null;
  readonly prefix_len: number;
  readonly endpoint_ipv4: string | null;
  readonly local_ipv4: string | null;
  readonly gateway: string | null;
  readonly pop_address: string | null;
  readonly mtu: number | null;
}

export interface MappingSettings {
  readonly name: string;
  readonly enabled: boolean;
  readonly protocol: PortProtocol;
  readonly internal_host: string;
  readonly internal_port: number;
  readonly external_port: number;
  readonly v6_address: string;
  readonly direction: 'in' | 'out';
  readonly target: string | null;
  readonly proxy_protocol: boolean;
  readonly description: string | null;
}

/** The configuration in force, under the names of the file; lengths of time in milliseconds. No secret is in it. */
export interface ConfigDocument {
  readonly core: {
    readonly log_level: LogLevel;
    readonly state_dir: string;
    readonly api_bind: string;
    readonly api_port: number;
  };
  readonly exposure: {
    readonly mode: string;
    readonly socks5: { readonly bind: string; readonly port: number };
    readonly proxy: { readonly udp_base_port: number; readonly tcp_base_port: number };
  };
  readonly relay: { readonly max_flows: number; readonly max_flows_per_client: number };
  readonly mappings: readonly MappingSettings[];
  readonly health: {
    readonly targets: readonly string[];
    readonly method: string;
    readonly port: number;
    readonly probe_interval_ms: number;
    readonly quick_interval_ms: number;
    readonly deadline_min_ms: number;
    readonly deadline_max_ms: number;
    readonly window_ms: number;
    readonly slot_ms: number;
    readonly misses_soft: number;
    readonly misses_hard: number;
    readonly hard_down_after_ms: number;
    readonly replies_alive: number;
  };
  readonly failover: {
    readonly check_interval_ms: number;
    readonly leave_below: number;
    readonly take_at_least: number;
    readonly failback: string;
    readonly failback_after_ms: number;
    readonly failback_at_most_ms: number;
    readonly abort_flows: boolean;
  };
  readonly operation: { readonly timeout_ms: number; readonly retry_min_ms: number; readonly retry_max_ms: number };
  readonly routing: { readonly metric: number; readonly table_base: number; readonly rule_base: number };
  readonly tunnels: readonly TunnelSettings[];
  readonly warnings: readonly ConfigProblemDocument[];
}
