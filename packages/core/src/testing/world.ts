import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { TunnelConfig } from '../config/model.js';
import type { Clock, CounterMeter, DriverSet, FlowTable, Host, HostMonitor, Prober, RouteTable } from '../contracts.js';
import { type DriverError, type HostChange, type HostCounters, NO_ROUTE, type RoutePlan } from '../facts.js';
import type { Instant, Millis } from '../units.js';
import { type Faults, NO_FAULTS } from './faults.js';
import { type CutPlace, Link, type LinkOptions } from './link.js';
import { Prng } from './prng.js';
import { simulatedDriver } from './simulated-driver.js';
import { simulatedProber } from './simulated-prober.js';
import { simulatedRoutes } from './simulated-routes.js';
import { abortOf } from './sleep.js';
import { Timetable } from './timetable.js';
import { VirtualClock } from './virtual-clock.js';

export interface WorldOptions {
  /** Virtual for tests; the system's for a demonstration that needs no privileges. */
  readonly clock: Clock;
  readonly seed: number;
  /** Interfaces that need other than the usual qualities. Others are made when they are first named. */
  readonly links?: readonly LinkOptions[];
  readonly faults?: Faults;
}

/** How long the host takes to report a change. */
const MONITOR_DELAY_MS = 5;

/**
 * A host and the network beyond it, as far as a gateway can tell: it is a `Host`, on any clock, and
 * the same for every run of one seed on a virtual one.
 */
export class World implements Host {
  readonly clock: Clock;
  readonly prng: Prng;
  readonly drivers: DriverSet;
  readonly prober: Prober;
  readonly routes: RouteTable;
  readonly meter: CounterMeter;
  readonly monitor: HostMonitor;
  readonly flows: FlowTable;
  /** Addresses whose connections were ended, in order. */
  readonly aborted: string[] = [];
  readonly links: Map<string, Link> = new Map();
  /** Targets that answer nobody. */
  readonly deadTargets: Set<string> = new Set();
  faults: Faults;
  /** The default routes of ours that this host has. */
  plan: RoutePlan = NO_ROUTE;
  /** How often two operations ran at once on one tunnel, interface or route table. */
  overlaps = 0;
  /** Under way: tunnels and interfaces. */
  readonly busy: Set<string> = new Set();
  applying = false;
  readonly #reporters = new Set<(change: HostChange) => void>();
  readonly #probes: Timetable;
  readonly #ifaceOf = new Map<string, string>();

  constructor({ clock, seed, links = [], faults = NO_FAULTS }: WorldOptions) {
    this.clock = clock;
    this.prng = new Prng(seed);
    this.#probes = new Timetable(clock, 'probe');
    this.faults = faults;
    this.drivers = {
      he_6in4: simulatedDriver('he_6in4', this),
      wireguard: simulatedDriver('wireguard', this),
      mullvad: simulatedDriver('mullvad', this),
      external: simulatedDriver('external', this),
    };
    this.prober = simulatedProber(this);
    this.routes = simulatedRoutes(this);
    this.meter = { read: (signal) => new ResultAsync(this.#read(signal)) };
    this.monitor = { watch: (report, signal) => new ResultAsync(this.#watch(report, signal)) };
    this.flows = {
      abort: (address) => {
        this.aborted.push(address);
        return okAsync(1);
      },
    };
    for (const options of links) this.#add(options);
  }

  /** Something about probes, at that time; on a clock of real time it comes together with others, so late at most. */
  at(at: Instant, patience: Millis, run: (at: Instant) => void): void {
    // What is due at once on virtual time happens in the order in which everybody asked for it.
    if (this.clock instanceof VirtualClock) this.clock.alarm(at, 'probe', () => run(at));
    else this.#probes.at(at, patience, run);
  }

  /** Interfaces that a driver made and no tunnel accounts for. */
  sweep(tunnels: readonly TunnelConfig[]): ResultAsync<readonly string[], DriverError> {
    const stale = [...this.links.values()].filter(
      (link) => link.present && !link.given && !tunnels.some((t) => t.iface === link.iface),
    );
    for (const link of stale) this.vanish(link.iface);
    return okAsync(stale.map((link) => `interface ${link.iface}`));
  }

  link(iface: string): Link {
    return this.links.get(iface) ?? this.#add({ iface });
  }

  /** The link a tunnel runs on. One that is given exists from the moment it is first named. */
  linkOf({ name, iface }: TunnelConfig, given: boolean): Link {
    this.#ifaceOf.set(name, iface);
    const link = this.link(iface);
    if (given && !link.given) link.present = true;
    link.given = given;
    return link;
  }

  /** Turns a link, named by its tunnel or its interface, into a black hole from that place on. */
  cut(name: string, place: CutPlace = 'underlay'): void {
    this.#change(name, (link) => {
      if (!link.cut) link.disturbances += 1;
      link.cutAt = place;
    });
  }

  restore(name: string): void {
    this.#change(name, (link) => {
      link.cutAt = null;
    });
  }

  /** The interface comes to exist. */
  appear(iface: string): void {
    const link = this.link(iface);
    link.assignAddress();
    if (link.present) return;
    link.present = true;
    this.#report({ kind: 'link', iface });
  }

  /** The interface is deleted, whoever did it; the kernel drops its routes with it. */
  vanish(iface: string): void {
    const link = this.link(iface);
    if (!link.present) return;
    link.vanish();
    const [via = null, ...standbys] = hopsOf(this.plan).filter((hop) => hop.iface !== iface);
    this.plan = { via, standbys };
    this.#report({ kind: 'link', iface });
  }

  /** Somebody removes a tunnel's rules: what is sent from its address leaves by another one. */
  unroute(iface: string): void {
    const link = this.link(iface);
    if (link.routed) link.disturbances += 1;
    link.routed = false;
    this.#report({ kind: 'rule', iface: null });
  }

  /** The machine sleeps, where its clock can tell. */
  nap(length: Millis): void {
    if (this.clock instanceof VirtualClock) this.clock.nap(length);
    for (const link of this.links.values()) link.disturbances += 1;
  }

  /** Somebody removes our default routes. */
  flush(): void {
    this.plan = NO_ROUTE;
    this.#report({ kind: 'route', iface: null });
  }

  readdress(iface: string, address: string | null): void {
    this.link(iface).address = address;
    this.#report({ kind: 'address', iface });
  }

  /** The interface that new traffic leaves by; null when none of ours. */
  egress(): string | null {
    return this.plan.via?.iface ?? null;
  }

  /** Ends all faults and every bad link. */
  heal(): void {
    this.faults = NO_FAULTS;
    this.deadTargets.clear();
    for (const link of this.links.values())
      Object.assign(link, { rtt: 20, jitter: 5, loss: 0, refuses: false, inflow: 0, outflow: 0, faults: {}, ...WHOLE });
  }

  #add(options: LinkOptions): Link {
    const link = new Link(options, `2001:db8:${(this.links.size + 1).toString(16)}::2`);
    this.links.set(options.iface, link);
    return link;
  }

  #change(name: string, change: (link: Link) => void): void {
    const link = this.link(this.#ifaceOf.get(name) ?? name);
    link.count(this.clock.now());
    change(link);
  }

  async #read(signal: AbortSignal): Promise<Result<HostCounters, DriverError>> {
    if (this.prng.chance(this.faults.meterHangs)) await abortOf(signal);
    if (signal.aborted) return err({ kind: 'aborted' });
    if (this.prng.chance(this.faults.meterFails)) return err({ kind: 'not_permitted', operation: 'read counters' });
    const now = this.clock.now();
    const present = [...this.links.values()].filter((link) => link.present);
    return ok(new Map(present.map((link) => [link.iface, link.counters(now)])));
  }

  async #watch(report: (change: HostChange) => void, signal: AbortSignal): Promise<Result<void, DriverError>> {
    if (this.prng.chance(this.faults.monitorFails)) return err({ kind: 'missing_tool', tool: 'ip', install: null });
    this.#reporters.add(report);
    await abortOf(signal);
    this.#reporters.delete(report);
    return ok(undefined);
  }

  #report(change: HostChange): void {
    if (this.prng.chance(this.faults.monitorMisses)) return;
    this.clock.alarm(this.clock.now() + MONITOR_DELAY_MS, 'monitor', () => {
      for (const report of [...this.#reporters]) report(change);
    });
  }
}

/** A link that nothing is wrong with. */
const WHOLE = { cutAt: null, popMute: false, underlayMute: false, passes: null };

/** A world to show a gateway in: `cut` and `restore` its links by name. */
export function simulatedHost(options: WorldOptions): World {
  return new World(options);
}

function hopsOf({ via, standbys }: RoutePlan): readonly NonNullable<RoutePlan['via']>[] {
  return via === null ? standbys : [via, ...standbys];
}
