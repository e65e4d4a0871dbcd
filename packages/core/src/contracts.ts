import type { ResultAsync } from 'neverthrow';
import type { ConfigOf, LogLevel, TunnelConfig, TunnelType } from './config/model.js';
import type {
  DriverError,
  HostChange,
  HostCounters,
  LinkReading,
  ProbeError,
  ProbeFinding,
  ProbePlan,
  RouteError,
  RoutePlan,
} from './facts.js';
import type { PortError, PortMapping, PortMappingRequest, PortProbe, PortProtocol } from './port-mappings.js';
import type { Instant, Millis, UnixMillis, UnixSeconds } from './units.js';

/**
 * Brings one kind of tunnel up and down on the host.
 *
 * Never rejects and never throws; settles promptly (within 100 ms) once `signal` aborts, with
 * `aborted`. The gateway never runs two operations on one tunnel at a time. A failed or aborted
 * operation may have half happened, so every method must be safe to repeat.
 */
export interface BackendDriver<T extends TunnelType = TunnelType> {
  readonly type: T;
  /**
   * Makes the tunnel carry traffic: interface, address, and the routing table and rules that make
   * packets from its address leave through it and nothing else. Already up: changes nothing and
   * interrupts nothing. Fails: leaves nothing of this attempt behind that `down` would not remove.
   */
  up(tunnel: ConfigOf<T>, signal: AbortSignal): ResultAsync<LinkReading, DriverError>;
  /** Leaves nothing of it behind. Already gone: succeeds. Never succeeds with any of it left. */
  down(tunnel: ConfigOf<T>, signal: AbortSignal): ResultAsync<void, DriverError>;
  /** Looks without touching. No interface is an answer (`absent`); not being able to look is an error. */
  inspect(tunnel: ConfigOf<T>, signal: AbortSignal): ResultAsync<LinkReading, DriverError>;
  /**
   * Puts back what somebody else has taken from a tunnel that is up: its rules, its table, its address.
   * Resolves to what was put back, a phrase each (`rule from 2001:db8:1::/64`); empty when nothing was
   * missing. Optional: without it, what others remove stays removed until the tunnel is raised again.
   */
  repair?(tunnel: ConfigOf<T>, signal: AbortSignal): ResultAsync<readonly string[], DriverError>;
}

export type DriverSet = { readonly [T in TunnelType]?: BackendDriver<T> };

/** Sends probes through one tunnel and says what became of each. */
export interface Prober {
  /**
   * Probes by `plan` until `signal` aborts, calling `report` once for every probe, and once more
   * (`late`) for one that comes back after it was reported lost. The first probe leaves at once.
   * Intervals are jittered to 88-100 % so that tunnels do not fall into step (RFC 5880 section 6.8.7).
   *
   * Resolves to Ok only after an abort; to Err when probing cannot begin or go on. Never rejects.
   */
  watch(plan: ProbePlan, report: (finding: ProbeFinding) => void, signal: AbortSignal): ResultAsync<void, ProbeError>;
}

/** The host's default routes, as far as they are ours. */
export interface RouteTable {
  /**
   * Makes the host match `plan`. Saying the same plan twice changes nothing the second time.
   * Routes that are not ours are never touched; `via: null` removes all of ours.
   */
  apply(plan: RoutePlan, signal: AbortSignal): ResultAsync<void, RouteError>;
  /**
   * Like `apply` for the plan that is in force already: resolves to what somebody else had changed and
   * was put back, a phrase each; empty when nothing was.
   */
  verify?(plan: RoutePlan, signal: AbortSignal): ResultAsync<readonly string[], RouteError>;
}

/** Tells what happens on the host between two looks. */
export interface HostMonitor {
  /**
   * Calls `report` for each change until `signal` aborts. Resolves to Ok after an abort, to Err when
   * it cannot watch; a gateway without it still works, a little slower to notice. Never rejects.
   */
  watch(report: (change: HostChange) => void, signal: AbortSignal): ResultAsync<void, DriverError>;
}

/** Reads every interface's byte counters in one cheap look (no child process). */
export interface CounterMeter {
  read(signal: AbortSignal): ResultAsync<HostCounters, DriverError>;
}

/** Connections of programs on this host. */
export interface FlowTable {
  /**
   * Ends TCP connections that come from `address`, so that programs connect again and do not hang.
   * Resolves to how many were ended. Never touches a connection from another address.
   */
  abort(address: string, signal: AbortSignal): ResultAsync<number, DriverError>;
}

/** The gateway's only source of time. Monotonic: never goes back, whatever the wall clock does. */
export interface Clock {
  now(): Instant;
  wall(): UnixSeconds;
  /** The same, finer. Optional; without it, what happens is dated to the second. */
  wallMillis?(): UnixMillis;
  /**
   * How long the machine has slept, from any fixed moment on: `now` does not count that time on Linux.
   * Optional; without it a sleep goes unnoticed. May be off by a second.
   */
  asleep?(): Millis;
  /** Calls `fire` once, at `at` or as soon after as it can. `label` shows in diagnostics. */
  alarm(at: Instant, label: string, fire: () => void): { cancel(): void };
}

/** Takes finished sentences. Must not throw or block. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Everything of the outside world that a gateway needs, in one object: what `linuxHost()` returns. */
export interface Host {
  readonly drivers: DriverSet;
  readonly prober: Prober;
  readonly routes: RouteTable;
  readonly meter: CounterMeter;
  /** Optional: see {@link HostMonitor}. */
  readonly monitor?: HostMonitor;
  /** Optional: without it, connections over a dead tunnel are left to their own time-outs. */
  readonly flows?: FlowTable;
  /**
   * Removes what an earlier run of ours left behind and no tunnel of `tunnels` accounts for. What one
   * does account for stays as it is, for its driver's `up` to take over. Resolves to what was removed,
   * a phrase each.
   */
  sweep?(tunnels: readonly TunnelConfig[], signal: AbortSignal): ResultAsync<readonly string[], DriverError>;
  /** Lets go of co-processes and the like. Called once, after the gateway has stopped. */
  close?(): Promise<void>;
}

/**
 * Ports of the tunnels' addresses that lead to programs on this machine: what a relay offers.
 *
 * Never rejects and never throws. What it answers is true at that moment: a mapping exists, with its sockets open,
 * once `map` has succeeded and is gone once `unmap` has.
 */
export interface PortMappings {
  /**
   * Opens a mapping. The same one again succeeds and changes nothing; another one on the same external
   * port errs with `port_taken`. Fails: nothing is open that was not before.
   */
  map(request: PortMappingRequest): ResultAsync<PortMapping, PortError>;
  /** Closes a mapping and what goes through it, and resolves to what it was. One of the configuration is not closed. */
  unmap(protocol: PortProtocol, externalPort: number): ResultAsync<PortMapping, PortError>;
  /** Every mapping there is, the oldest first. */
  list(): ResultAsync<readonly PortMapping[], PortError>;
  /** Finds out whether a port of ours can be reached from the Internet. Asks nobody whom a client has named. */
  probe(protocol: PortProtocol, port: number): ResultAsync<PortProbe, PortError>;
}
