import type { Config } from '../config/model.js';
import { Gateway, type StepRecord } from '../gateway.js';
import type { State } from '../state.js';
import type { Millis } from '../units.js';
import { Fingerprint } from './fingerprint.js';
import { Oracle } from './oracle.js';
import { Prng } from './prng.js';
import { drawSwarm, drawTunnel, type SwarmOptions } from './swarm.js';
import { VirtualClock } from './virtual-clock.js';
import { changeWeather } from './weather.js';
import { Witness } from './witness.js';
import { World } from './world.js';

export interface SimulationOptions {
  /** Takes every step twice, from frozen inputs: some three times slower. */
  readonly checkPurity?: boolean;
}

export interface SimulationReport {
  readonly seed: number;
  readonly minutes: number;
  readonly steps: number;
  readonly switches: number;
  /** Equal for equal runs: of one seed, on any machine. */
  readonly fingerprint: string;
  /** What must not have been, the first few. Empty: all is well. */
  readonly failures: readonly string[];
  readonly swarm: SwarmOptions;
  /** The last steps before the first failure, or before the end. */
  readonly lastSteps: readonly string[];
}

const WEATHER_INTERVAL: Millis = 5_000;
const STOP_LIMIT: Millis = 180_000;
const ROUTE_SETTLES: Millis = 5_000;

/** How often an operator who speaks of preferences asks for none. */
const LETS_GO = 0.3;

const FAILURES_KEPT = 5;
const STEPS_KEPT = 20;

/** Far from any seed that somebody plays. */
const LATER = 0x5eed_0000;

/**
 * Plays `minutes` of one seed's faults against a gateway, then lets everything be well and demands that
 * it comes to rest, then stops it. Everything is drawn from the seed.
 */
export async function simulate(
  seed: number,
  minutes: number,
  options: SimulationOptions = {},
): Promise<SimulationReport> {
  const run = new Run(seed, options.checkPurity === true);
  try {
    await run.safety(minutes);
    await run.liveness();
    await run.stop();
  } catch (cause) {
    run.fail(cause instanceof Error ? cause.message : String(cause));
  }
  return run.report(minutes);
}

class Run {
  readonly #seed: number;
  readonly #clock = new VirtualClock();
  readonly #prng: Prng;
  /** Draws for the hands of an operator who came later. */
  readonly #later: Prng;
  readonly #swarm: SwarmOptions;
  readonly #world: World;
  readonly #gateway: Gateway;
  readonly #witness: Witness;
  readonly #fingerprint = new Fingerprint();
  readonly #failures: string[] = [];
  readonly #lastSteps: string[] = [];
  #config: Config;
  #state: State | null = null;
  #steps = 0;
  #switches = 0;

  constructor(seed: number, checkPurity: boolean) {
    this.#seed = seed;
    this.#prng = new Prng(seed);
    this.#later = new Prng(seed + LATER);
    this.#swarm = drawSwarm(this.#prng, this.#later);
    this.#config = this.#swarm.config;
    this.#world = new World({ clock: this.#clock, seed, faults: this.#swarm.faults });
    const fail = (what: string): void => this.fail(what);
    const oracle = new Oracle({ world: this.#world, fail, halt: () => this.#clock.halt(), checkPurity });
    this.#witness = new Witness({ world: this.#world, fail });
    const made = Gateway.create({
      config: this.#config,
      host: this.#world,
      clock: this.#clock,
      observer: (record) => {
        this.#take(record);
        oracle.watch(record);
      },
    });
    if (made.isErr()) throw new Error(`cannot simulate: ${made.error.kind}`);
    this.#gateway = made.value;
  }

  fail(what: string): void {
    if (this.#failures.length < FAILURES_KEPT) this.#failures.push(`t=${this.#clock.now()} ${what}`);
  }

  report(minutes: number): SimulationReport {
    return {
      seed: this.#seed,
      minutes,
      steps: this.#steps,
      switches: this.#switches,
      fingerprint: String(this.#fingerprint),
      failures: this.#failures,
      swarm: this.#swarm,
      lastSteps: this.#lastSteps,
    };
  }

  async safety(minutes: number): Promise<void> {
    this.#gateway.start();
    const end = minutes * 60_000;
    while (this.#clock.now() < end && this.#failures.length === 0) {
      await this.#clock.runFor(WEATHER_INTERVAL);
      if (this.#state !== null) this.#witness.look(this.#state, this.#clock.now());
      changeWeather(this.#world, this.#swarm.weather, this.#config.health.targets);
      this.#meddle();
    }
    if (this.#world.overlaps > 0) this.fail(`${this.#world.overlaps} operations overlapped`);
  }

  /** Once the world behaves, the gateway must come to rest in the right place within a bound. */
  async liveness(): Promise<void> {
    if (this.#failures.length > 0) return;
    this.#world.heal();
    for (const link of this.#world.links.values()) if (link.given) this.#world.appear(link.iface);
    for (const { name } of this.#config.tunnels) this.#gateway.raise(name);
    const { operation, health, failover } = this.#config;
    const window = health.window.slots * health.window.slot;
    const settling = 2 * operation.timeout + 2 * operation.retryMax + window + 2 * failover.checkInterval;
    await this.#clock.runFor(settling);
    const { tunnels, primary } = this.#gateway.status();
    for (const t of tunnels) {
      if (t.state !== 'up' || t.liveness !== 'alive')
        this.fail(`not live: ${t.config.name} is ${t.state}, ${t.liveness}`);
      else if (t.health?.score !== 100) this.fail(`not live: ${t.config.name} scores ${t.health?.score}`);
    }
    if (tunnels.length !== this.#config.tunnels.length) this.fail(`not live: ${tunnels.length} tunnels are left`);
    const iface = tunnels.find((t) => t.config.name === primary)?.config.iface ?? null;
    if (primary === null) this.fail('not live: there is no primary');
    else if (this.#world.egress() !== iface)
      this.fail(`not live: the route goes by ${this.#world.egress()}, not ${iface}`);
    await this.#obedience();
  }

  /** Where all is well, whoever is asked for has the route at once. */
  async #obedience(): Promise<void> {
    if (this.#failures.length > 0) return;
    const asked = this.#later.pick(this.#config.tunnels);
    this.#gateway.prefer(asked.name);
    const { primary } = this.#gateway.status();
    if (primary !== asked.name) this.fail(`not live: ${asked.name} was asked for, and ${primary} has the route`);
    await this.#clock.runFor(ROUTE_SETTLES);
    if (this.#world.egress() !== asked.iface) this.fail(`not live: the route goes by ${this.#world.egress()}`);
  }

  async stop(): Promise<void> {
    if (this.#failures.length > 0) return;
    const stopping = this.#gateway.stop(STOP_LIMIT);
    await this.#clock.runFor(STOP_LIMIT);
    const result = await stopping;
    if (result.isErr()) this.fail(`stop: ${JSON.stringify(result.error)}`);
    for (const link of this.#world.links.values())
      if (link.present && !link.given) this.fail(`${link.iface} was left behind`);
    if (this.#world.plan.via !== null) this.fail('a default route was left behind');
    const armed = this.#clock.pending().filter((label) => label === 'gateway' || label === 'stop' || label === 'probe');
    if (armed.length > 0) this.fail(`alarms were left armed: ${armed.join(', ')}`);
    if (this.#world.overlaps > 0) this.fail(`${this.#world.overlaps} operations overlapped`);
  }

  /** What operators and configuration files do in one interval. */
  #meddle(): void {
    const { hands } = this.#swarm;
    const name = this.#prng.pick(this.#config.tunnels).name;
    if (this.#prng.chance(hands.lowers)) this.#gateway.lower(name);
    if (this.#prng.chance(hands.raises)) this.#gateway.raise(name);
    if (this.#prng.chance(hands.skews)) this.#clock.skewWall(this.#prng.between(-90_000, 90_000));
    if (this.#later.chance(hands.prefers))
      this.#gateway.prefer(this.#later.chance(LETS_GO) ? null : this.#later.pick(this.#config.tunnels).name);
    if (this.#later.chance(hands.restarts)) this.#gateway.restart(this.#later.pick(this.#config.tunnels).name);
    if (this.#prng.chance(hands.reloads)) {
      this.#config = { ...this.#config, tunnels: redrawn(this.#config, this.#prng) };
      this.#gateway.reload(this.#config);
    }
  }

  #take({ now, event, after, effects }: StepRecord): void {
    this.#state = after;
    this.#steps += 1;
    const states = after.tunnels.map((t) => `${t.config.name}:${t.state.kind}/${t.liveness.kind}/${t.health?.score}`);
    const done = effects.map((e) => (e.type === 'announce' ? e.news.type : e.type));
    if (done.includes('failed_over')) this.#switches += 1;
    const who = 'tunnel' in event ? ` ${event.tunnel}` : '';
    const line = `${now} ${event.type}${who} -> ${after.phase} ${states.join(' ')} [${done.join(' ')}]`;
    this.#fingerprint.add(line);
    if (this.#failures.length > 0) return;
    this.#lastSteps.push(line);
    if (this.#lastSteps.length > STEPS_KEPT) this.#lastSteps.shift();
  }
}

/** Another configuration file: other priorities, a tunnel more or less, a new name, or two that trade interfaces. */
function redrawn({ tunnels }: Config, prng: Prng): Config['tunnels'] {
  const victim = prng.between(0, tunnels.length - 1);
  const other = prng.between(0, tunnels.length - 1);
  const fresh = `t${prng.between(0, 9)}`;
  const free = !tunnels.some((t) => t.name === fresh || t.iface === `${fresh}0`);
  switch (prng.between(0, 4)) {
    case 0:
      return tunnels.map((t) => ({ ...t, priority: prng.between(0, 5) }));
    case 1:
      return free ? [...tunnels, drawTunnel(fresh, prng)] : tunnels;
    case 2:
      return tunnels.length > 1 ? tunnels.filter((_, i) => i !== victim) : tunnels;
    case 3:
      return free ? tunnels.map((t, i) => (i === victim ? { ...t, name: fresh } : t)) : tunnels;
    default:
      return tunnels.map((t, i) => {
        const partner = i === victim ? other : i === other ? victim : i;
        return { ...t, iface: tunnels[partner]!.iface };
      });
  }
}
