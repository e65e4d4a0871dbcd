import type { Millis, UnixSeconds } from '@hurricane/core';
import type { Result, ResultAsync } from 'neverthrow';
import type { Network } from './access/networks.js';
import type { Exchange, ExchangeOptions } from './exchange-contract.js';
import type { Signal } from './signal.js';

// What carries bytes (an engine), where they may leave (ways), and who is told (flows). Policy, naming,
// handshakes and mappings are written once above this. An engine knows none of them, but for the beginning of SOCKS5
// (`Handshakes`), which it may run by the same machine.

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
  /**
   * From here on what arrives is led on by `route` before anybody is asked; null, and until it is first called: each
   * connection is handed over. An engine that leads nothing by itself has none.
   */
  readonly lead?: (route: Route | null) => void;
  /**
   * From here on what arrives is a SOCKS5 client whom nobody asks for a password, and whom the engine hears by itself
   * until it has asked for something. Returns what tells how many it hears at any moment. An engine that hears nobody
   * has none.
   */
  readonly shakeHands?: (terms: Handshakes) => () => number;
  /** Stops accepting; what was accepted goes on. Resolves once the port is free. */
  close(): Promise<void>;
}

/** What is known in advance of connections that arrive: enough for an engine to lead them on by itself. */
export interface Route {
  readonly to: Endpoint;
  /** As in `ConnectOptions`. */
  readonly source: string | null;
  readonly timeout: Millis;
  /** Canonical texts: what comes from these addresses is handed over all the same. */
  readonly except: readonly string[];
  /** How many connections may be led on before the next has been told of; those beyond are handed over. */
  room(): number;
  /**
   * A connection is on its way, or has been and is over: told soon after, and always before the port is free. `cut`
   * ends it at once. Null: it must not be, and is reset.
   */
  begun(client: Endpoint, cut: (how: FlowEnd) => void): Led | null;
}

/** One connection that was led on; one of `failed` and `closed` is called, once, and nothing after it. */
export interface Led extends Pick<Flow, 'count' | 'closed'> {
  /** There is no way to the target. The client was reset. */
  failed(error: ConnectError): void;
}

/** SOCKS5 clients that an engine hears by itself. One that does not go the plain way is handed over, with its words. */
export interface Handshakes {
  /** Those from elsewhere are handed over at once. Empty: all are heard. */
  readonly clients: readonly Network[];
  /** How long one is heard before it is handed over, by the next look around. */
  readonly patience: Millis;
  /** How many are heard at once; those beyond are handed over. */
  readonly atOnce: number;
  /** One has asked for a connection to an address. One of the caller's methods is to be called, before this returns. */
  asked(caller: Caller): void;
}

/** A client that has asked for a connection to an address, has said nothing beyond, and waits for the answer. */
export interface Caller {
  readonly client: Endpoint;
  readonly to: Endpoint;
  /**
   * Connects it, tells it so (RFC 1928 section 6) and joins the two. `source`, `timeout`: as in `ConnectOptions`.
   * Returns what calls that off, if it is not too late: then it has failed (`aborted`).
   */
  connect(source: string | null, timeout: Millis, outcome: Outcome): () => void;
  /** Hands it over: its request has been read, and not been answered. */
  take(): Leg;
  reset(): void;
}

/** What became of connecting a caller; one of the two is called, once. */
export interface Outcome {
  /** As in `Route`: it was told that it is connected, and its bytes are carried. */
  begun(cut: (how: FlowEnd) => void): Omit<Led, 'failed'> | null;
  /** There is no connection, and it waits for the answer. `aborted`: called off, or it has gone. */
  failed(error: ConnectError, leg: Leg): void;
}

/** What a client that is handed over has been told already. */
export interface Heard {
  /** Which method was chosen: its request comes next. False: nothing, its greeting comes first. */
  readonly isGreeted: boolean;
  /** How long ago it arrived. */
  readonly age: Millis;
}

/** How a joined pair came to its end. */
export type FlowEnd = 'finished' | 'reset' | 'idle' | 'half_closed_idle' | 'tunnel_down' | 'stopped';

/** Takes what arrives. `heard`: of a client with whom the engine has begun to shake hands. */
export type Accept = (leg: Leg, heard?: Heard) => void;

/** Carries TCP. Every descriptor it opens has one owner and is closed exactly once. */
export interface Engine {
  readonly name: 'stream' | 'native';
  /** IPv6 listeners are IPv6 only. Out of descriptors: it pauses, and goes on by itself. */
  listen(at: Endpoint, accept: Accept): ResultAsync<Listening, ListenError>;
  connect(options: ConnectOptions): ResultAsync<Leg, ConnectError>;
  /** Carries bytes both ways, with back-pressure, half-closes and resets, until both have ended. Owns both legs. */
  join(near: Leg, far: Leg, flow: Flow): Promise<FlowEnd>;
  /** Carries the datagrams of one SOCKS5 client. An engine that has no way of its own leaves them to the proxy. */
  readonly exchange?: ((options: ExchangeOptions) => ResultAsync<Exchange, ListenError>) | undefined;
}

/** Datagrams of one address: those of each peer by a socket of its own, and replies back from that address. */
export interface DatagramOptions {
  readonly at: Endpoint;
  /** How long a session may be silent. */
  readonly idle: Millis;
  /** Sessions at once; the one whose peer has been silent for longest gives way. */
  readonly peers: number;
  /** Asked for datagrams of a peer without a session, one after the other. Null: that one is dropped. */
  admit(peer: Endpoint, bytes: Uint8Array): Admitted | null;
  /** Called once for each that was admitted, when its flow has been told its end. A fault: it never had a socket. */
  over(fault: ConnectError | null): void;
  /** So many datagrams were not passed on. */
  lost(count: number): void;
}

/** Where a peer's datagrams go. */
export interface Admitted {
  readonly to: Endpoint;
  /** The address to leave from; never another one. Null: the system's choice. */
  readonly source: string | null;
  readonly flow: Flow;
}

/** Carries datagrams, each whole or not at all. What the system has no room for is dropped. */
export interface DatagramEngine {
  /** IPv6 sockets are IPv6 only. Closing it ends its sessions (`stopped`). */
  datagrams(options: DatagramOptions): ResultAsync<Listening, ListenError>;
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

/** A table that takes flows on which have begun already. */
export interface FlowsAfter extends Flows {
  /** So many more could be opened, whoever they are of. */
  readonly room: number;
  /** Grows whenever flows have been ended because their tunnel is lost. */
  readonly losses: number;
  /**
   * As `open`, of one that began by what was so after so many `losses`. `cut` takes the place of the signal, and is
   * called at once where its tunnel has been lost since.
   */
  openAfter(facts: FlowFacts, losses: number, cut: (how: FlowEnd) => void): Result<Omit<Flow, 'signal'>, FlowRefusal>;
  /** Keeps a place for one flow of a client, whatever others open meanwhile. Null: there is none. */
  hold(client: string): FlowPlace | null;
}

/** A place in the table of flows. One of the two is to be called, once. */
export interface FlowPlace {
  /** As `openAfter`, of a flow of that client, by what was so when the place was taken. */
  open(facts: FlowFacts, cut: (how: FlowEnd) => void): Omit<Flow, 'signal'>;
  giveUp(): void;
}
