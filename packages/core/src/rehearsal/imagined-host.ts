import type { TunnelConfig } from '../config/model.js';
import type { Effect, Event } from '../effects.js';
import { ABSENT, type HostCounters, type LinkCounters, type LinkReading } from '../facts.js';
import { SIDE_STREAMS } from '../side-probes.js';
import type { State } from '../state.js';
import { ifaceOf, type Tunnel } from '../tunnel.js';
import type { Instant, Millis } from '../units.js';
import type { Agenda } from './agenda.js';
import type { Ground } from './ground.js';
import { type Happening, ImaginedProber } from './imagined-prober.js';

/** How long the host usually takes. */
const RAISE_TAKES: Millis = 300;
const LOWER_TAKES: Millis = 100;
const LOOK_TAKES: Millis = 5;
const ROUTE_TAKES: Millis = 20;
const SWEEP_TAKES: Millis = 20;

/** What comes in each second through a tunnel that carries traffic: enough to be taken for it. */
const FLOW_BYTES_PER_S = 20_000;

type Operation = Extract<Effect, { type: 'raise' | 'lower' | 'inspect' }>;

/** Answers what the gateway wants of its host, as the host would if the ground were so. Nothing real is touched. */
export class ImaginedHost {
  readonly #ground: Ground;
  readonly #agenda: Agenda<Happening>;
  readonly #prober: ImaginedProber;
  readonly #readings: Map<string, LinkReading>;
  readonly #ifaces: Map<string, string>;
  readonly #flowing: ReadonlySet<string>;
  /** The operation under way on each tunnel, by its epoch. */
  readonly #underWay = new Map<string, number>();
  #measuredAt: Instant;

  constructor(state: State, now: Instant, ground: Ground, agenda: Agenda<Happening>) {
    this.#ground = ground;
    this.#agenda = agenda;
    this.#prober = new ImaginedProber(ground, agenda, state.config.health.targets);
    this.#readings = new Map(state.tunnels.flatMap((t) => (t.reading === null ? [] : [[t.config.name, t.reading]])));
    this.#ifaces = new Map(state.tunnels.map((t) => [t.config.name, ifaceOf(t)]));
    this.#flowing = new Set(state.tunnels.filter((t) => t.traffic.flowingSince !== null).map((t) => t.config.name));
    this.#measuredAt = now;
    this.#takeOver(state, now);
  }

  perform(effect: Exclude<Effect, { type: 'announce' }>, now: Instant): void {
    switch (effect.type) {
      case 'raise':
      case 'lower':
      case 'inspect':
        this.#operate(effect, now);
        break;
      case 'probe':
        this.#prober.begin(effect, effect.plan, now);
        break;
      case 'abort':
        if (effect.scope !== 'route') this.#callOff(effect.scope.tunnel, now);
        break;
      case 'measure':
        this.#agenda.note(now, (at) => ({ type: 'measured', counters: this.#count(at) }));
        break;
      case 'sweep':
        this.#answer(now + SWEEP_TAKES, { type: 'swept', found: [] });
        break;
      case 'repair':
        this.#answer(now + LOOK_TAKES, { type: 'repaired', epoch: effect.epoch, found: [], complete: true });
        break;
      case 'abort_flows':
        this.#answer(now + LOOK_TAKES, { type: 'flows_aborted', tunnel: effect.tunnel, count: 0 });
        break;
      case 'apply_route':
        this.#answer(now + ROUTE_TAKES, { type: 'route_applied', epoch: effect.epoch });
    }
  }

  #answer(at: Instant, event: Event): void {
    this.#agenda.note(at, () => event);
  }

  /** What the real host is in the middle of comes to its end here. */
  #takeOver(state: State, now: Instant): void {
    for (const t of state.tunnels) this.#takeOverTunnel(t, now);
    const { route, upkeep } = state;
    if (route.pending !== null) this.#answer(now + ROUTE_TAKES, { type: 'route_applied', epoch: route.epoch });
    if (upkeep.busyUntil !== null)
      this.#answer(now + LOOK_TAKES, { type: 'repaired', epoch: upkeep.epoch, found: [], complete: true });
    if (Number.isFinite(upkeep.sweepingUntil)) this.#answer(now + SWEEP_TAKES, { type: 'swept', found: [] });
  }

  #takeOverTunnel(t: Tunnel, now: Instant): void {
    const { epoch, probing, sides, state } = t;
    const tunnel = t.running ?? t.config;
    const { name } = t.config;
    if (state.kind === 'starting') this.#operate({ type: 'raise', tunnel: t.config, epoch }, now);
    if (state.kind === 'stopping') this.#operate({ type: 'lower', tunnel, epoch }, now);
    if (t.look.kind === 'busy') this.#operate({ type: 'inspect', tunnel, epoch }, now);
    const rows = [
      { stream: 'targets' as const, plan: probing.told },
      ...SIDE_STREAMS.map((stream) => ({ stream, plan: sides[stream].told })),
    ];
    // Half an interval is how long one waits for the next probe on average.
    for (const { stream, plan } of rows)
      if (plan !== null) this.#prober.begin({ tunnel: name, epoch, stream }, plan, now + plan.interval / 2);
  }

  #operate({ type, tunnel: config, epoch }: Operation, now: Instant): void {
    const tunnel = config.name;
    if (type === 'inspect') {
      this.#agenda.note(now + LOOK_TAKES, (at) => {
        const reading = this.#ground.isGone(tunnel, at) ? ABSENT : (this.#readings.get(tunnel) ?? ABSENT);
        return { type: 'tunnel_inspected', tunnel, epoch, reading };
      });
      return;
    }
    this.#underWay.set(tunnel, epoch);
    this.#agenda.note(now + (type === 'raise' ? RAISE_TAKES : LOWER_TAKES), (at) => {
      if (this.#underWay.get(tunnel) !== epoch) return null;
      this.#underWay.delete(tunnel);
      if (type === 'lower') return { type: 'tunnel_lowered', tunnel, epoch };
      const fault = this.#ground.faultOf(tunnel, at);
      if (fault !== null) return { type: 'tunnel_failed', tunnel, epoch, fault };
      return { type: 'tunnel_raised', tunnel, epoch, reading: this.#raised(config) };
    });
  }

  #raised(config: TunnelConfig): LinkReading {
    const before = this.#readings.get(config.name);
    const address = before?.address ?? config.address;
    const prefixLength = before?.prefixLength ?? config.prefixLength;
    const counters: LinkCounters = { rx: 0n, tx: 0n };
    const reading: LinkReading = { ...(before ?? ABSENT), link: 'up', address, prefixLength, counters };
    this.#ground.madeAnew(config.name);
    this.#readings.set(config.name, reading);
    this.#ifaces.set(config.name, config.iface);
    return reading;
  }

  #callOff(tunnel: string, now: Instant): void {
    const epoch = this.#underWay.get(tunnel);
    if (epoch === undefined) return;
    this.#underWay.delete(tunnel);
    const fault = { kind: 'aborted' } as const;
    this.#answer(now + LOOK_TAKES, { type: 'tunnel_failed', tunnel, epoch, fault });
  }

  /** Traffic goes on where it flowed, as long as the tunnel carries it. */
  #count(now: Instant): HostCounters {
    const grown = BigInt(Math.round((FLOW_BYTES_PER_S * (now - this.#measuredAt)) / 1_000));
    this.#measuredAt = now;
    const counters = new Map<string, LinkCounters>();
    for (const [tunnel, reading] of this.#readings) {
      const iface = this.#ifaces.get(tunnel);
      if (iface === undefined || this.#ground.isGone(tunnel, now)) continue;
      const { rx, tx } = reading.counters ?? { rx: 0n, tx: 0n };
      const flows = this.#flowing.has(tunnel);
      const next = { rx: flows && this.#ground.carries(tunnel, now) ? rx + grown : rx, tx: flows ? tx + grown : tx };
      this.#readings.set(tunnel, { ...reading, counters: next });
      counters.set(iface, next);
    }
    return counters;
  }
}
