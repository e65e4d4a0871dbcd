import type { RttEstimate } from './rtt.js';
import type { Millis } from './units.js';

/** Bytes since the interface was made; bigint because a busy link passes 2^53. */
export interface LinkCounters {
  readonly rx: bigint;
  readonly tx: bigint;
}

/** What the host says about one tunnel's interface, read in one go. */
export interface LinkReading {
  readonly link: 'up' | 'down' | 'absent';
  /** Canonical text of the address traffic through this tunnel comes from. */
  readonly address: string | null;
  readonly prefixLength: number | null;
  /** Next hop on an interface that has neighbours; null on point-to-point ones. */
  readonly gateway: string | null;
  readonly mtu: number | null;
  /** Null when not readable. */
  readonly counters: LinkCounters | null;
  /** How packets are carried, for people: `kernel sit`, `userspace 6in4 (socat)`, … Null when absent. */
  readonly carrier: string | null;
  /** WireGuard: since the last handshake with its peer; null before the first. Old on an idle tunnel, which is well. */
  readonly handshakeAge?: Millis | null;
  /** WireGuard: where its peer is. */
  readonly endpoint?: string | null;
}

export const ABSENT: LinkReading = {
  link: 'absent',
  address: null,
  prefixLength: null,
  gateway: null,
  mtu: null,
  counters: null,
  carrier: null,
};

/** What to probe, and how often. */
export interface ProbePlan {
  readonly iface: string;
  /**
   * Probes leave with this source address, and so through this tunnel's own routing table. Null: as the
   * host's own routes have it, for probes of the IPv4 path beneath the tunnel.
   */
  readonly source: string | null;
  /** Asked in turn, one probe every `interval` over all of them. Never empty; all of one family. */
  readonly targets: readonly string[];
  readonly interval: Millis;
  /**
   * Length of every probe packet from its IP header on, in bytes, which nobody on the way may fragment.
   * Null: as short as the method allows.
   */
  readonly packetSize: number | null;
  /** Bounds of the time after which a probe counts as lost; the estimate in between is `rtt`'s. */
  readonly deadline: { readonly min: Millis; readonly max: Millis };
  /** What is known of the round trip so far; the prober goes on from there (rtt.ts). */
  readonly rtt: RttEstimate | null;
}

/** One probe's end. Losing one is a finding, not a failure. */
export type ProbeOutcome =
  /** `late`: the same probe was reported lost before. */
  | { readonly kind: 'reply'; readonly rtt: Millis; readonly late: boolean }
  /** Nothing came back in time. */
  | { readonly kind: 'lost' }
  /** The network answered that it cannot deliver (ICMPv6 type 1 and the like). Counts as a loss. */
  | { readonly kind: 'refused'; readonly reason: string };

/** One probe, answered for. */
export interface ProbeFinding {
  readonly target: string;
  readonly outcome: ProbeOutcome;
}

export interface RouteHop {
  readonly iface: string;
  readonly source: string | null;
  readonly gateway: string | null;
}

/** Where IPv6 goes when no better route says so. */
export interface RoutePlan {
  /** `null` leaves the host's own default alone. */
  readonly via: RouteHop | null;
  /** In order of preference; the kernel takes the next one by itself when a device disappears. */
  readonly standbys: readonly RouteHop[];
}

export const NO_ROUTE: RoutePlan = { via: null, standbys: [] };

/** A command that ran and did not do what it was asked. */
export interface CommandFailure {
  readonly kind: 'command_failed';
  readonly argv: readonly string[];
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stderr: string;
}

export type DriverError =
  | { readonly kind: 'missing_tool'; readonly tool: string; readonly install: string | null }
  | { readonly kind: 'not_permitted'; readonly operation: string }
  | { readonly kind: 'interface_missing'; readonly iface: string }
  /** An interface of that name exists and is not ours to change. */
  | { readonly kind: 'interface_taken'; readonly iface: string; readonly found: string }
  /** The configuration lacks something this tunnel cannot come up without. */
  | { readonly kind: 'misconfigured'; readonly setting: string; readonly problem: string }
  | { readonly kind: 'unsupported'; readonly what: string }
  | CommandFailure
  | { readonly kind: 'timed_out'; readonly after: Millis }
  | { readonly kind: 'aborted' }
  /** The driver threw: a bug, contained. */
  | { readonly kind: 'defect'; readonly cause: unknown };

export type RouteError = Extract<
  DriverError,
  { kind: 'missing_tool' | 'not_permitted' | 'interface_missing' | 'command_failed' | 'aborted' | 'defect' }
>;

/** Why probes cannot be sent at all. */
export type ProbeError = Extract<
  DriverError,
  { kind: 'missing_tool' | 'not_permitted' | 'interface_missing' | 'command_failed' | 'aborted' | 'defect' }
>;

/** Something on the host changed, whoever did it. A hint to look, never proof. */
export interface HostChange {
  readonly kind: 'link' | 'address' | 'route' | 'rule';
  /** Null when the change names none. */
  readonly iface: string | null;
}

/** Byte counters of every interface on the host, by name. An interface that is not there has gone. */
export type HostCounters = ReadonlyMap<string, LinkCounters>;
