import type { Millis, UnixSeconds } from '@hurricane/core';
import type { Result, ResultAsync } from 'neverthrow';
import type { Signal } from './signal.js';

// What carries bytes (an engine), where they may leave (ways), and who is told (flows). Policy, naming,
// handshakes and mappings are written once above this; an engine knows none of them.

/** A tunnel through which connections may leave or arrive. */
export interface Way {
  readonly tunnel: string;
  readonly iface: string;
  /** Canonical text (RFC 5952). */
  readonly address: string;
  readonly primary: boolean;
  /** `hard_down`: nothing comes back through it; its flows are closed at once rather than left to hang. */
  readonly liveness: 'alive' | 'doubtful' | 'hard_down';
}

/** Which source addresses there are at this moment. */
export interface Ways {
  /** Every tunnel that is up and has an address, the primary first. Never waits. */
  now(): readonly Way[];
  /** Called after every change of `now()`. Returns what ends it. */
  onChange(listener: () => void): () => void;
}

/** One end of a connection, in bytes. Whoever holds it must join it, end it or reset it. */
export interface Leg {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** The next bytes; null once the other side has sent its FIN. Err: reset, or taken away. */
  read(signal?: Signal): ResultAsync<Uint8Array | null, LegError>;
  /** Puts bytes back in front of what is read next: what came after a handshake belongs to the flow. */
  unread(bytes: Uint8Array): void;
  /** Resolves when there is room for more. */
  write(bytes: Uint8Array): ResultAsync<void, LegError>;
  /** Sends a FIN after what was written, lets the other side read it, and lets go within a named time. */
  end(): void;
  /** Sends a RST and lets go at once. */
  reset(): void;
}

export interface Endpoint {
  /** Canonical text; an IPv4 address is never written as IPv4-mapped. */
  readonly address: string;
  readonly port: number;
}

export type LegError =
  | { readonly kind: 'reset' | 'closed' | 'aborted' }
  | { readonly kind: 'failed'; readonly code: string };

export interface ConnectOptions {
  readonly to: Endpoint;
  /** The address to leave from; never another one. Null: the system's choice. */
  readonly source: string | null;
  readonly timeout: Millis;
  readonly signal?: Signal;
}

/** `code`: as the system names it, such as `ECONNREFUSED`. */
export type ConnectError =
  | { readonly kind: 'refused' | 'network_unreachable' | 'host_unreachable' | 'timed_out' | 'no_source' | 'aborted' }
  | { readonly kind: 'failed'; readonly code: string };

export type ListenError =
  | { readonly kind: 'taken' | 'not_permitted' | 'no_address' }
  | { readonly kind: 'failed'; readonly code: string };

export interface Listening {
  readonly local: Endpoint;
  /** Stops accepting; what was accepted goes on. Resolves once the port is free. */
  close(): Promise<void>;
}

/** How a joined pair came to its end. */
export type FlowEnd = 'finished' | 'reset' | 'idle' | 'half_closed_idle' | 'tunnel_down' | 'stopped';

/** Carries TCP. Every descriptor it opens has one owner and is closed exactly once. */
export interface Engine {
  readonly name: 'stream' | 'native';
  /** IPv6 listeners are IPv6 only. Out of descriptors: it pauses, and goes on by itself. */
  listen(at: Endpoint, accept: (leg: Leg) => void): ResultAsync<Listening, ListenError>;
  connect(options: ConnectOptions): ResultAsync<Leg, ConnectError>;
  /** Carries bytes both ways, with back-pressure, half-closes and resets, until both have ended. Owns both legs. */
  join(near: Leg, far: Leg, flow: Flow): Promise<FlowEnd>;
}

/** What is to be known of a flow when it begins. */
export interface FlowFacts {
  readonly kind: 'tcp' | 'udp';
  /** Who asked for it: `mapping udp 7654`, `socks5`. */
  readonly origin: string;
  readonly client: Endpoint;
  readonly target: Endpoint;
  /** The tunnel it leaves or arrives by; null: none of ours (IPv4). */
  readonly tunnel: string | null;
}

/** One connection, or one session of datagrams. */
export interface Flow {
  readonly id: number;
  /** Aborted when the flow has to end at once; the reason is the `FlowEnd`. */
  readonly signal: Signal<FlowEnd>;
  /** Bytes carried since the last call: from client to target, and back. */
  count(sent: number, received: number): void;
  /** To be called exactly once. */
  closed(end: FlowEnd): void;
}

export interface FlowView extends FlowFacts {
  readonly id: number;
  readonly since: UnixSeconds;
  readonly sent: number;
  readonly received: number;
}

export type FlowRefusal = { readonly kind: 'too_many_flows' | 'too_many_of_client'; readonly limit: number };

/** Every flow there is, within bounds; one table for mappings and SOCKS5. */
export interface Flows {
  open(facts: FlowFacts): Result<Flow, FlowRefusal>;
  /** The oldest first. */
  list(): readonly FlowView[];
}
