import type { Config } from '../config/model.js';
import type { Host } from '../contracts.js';
import { Gateway, type StepRecord } from '../gateway.js';
import { type News, type Sentence, sentenceOf } from '../news.js';
import type { TunnelStatus } from '../status.js';
import type { Instant, Millis } from '../units.js';
import type { LinkOptions } from './link.js';
import { VirtualClock } from './virtual-clock.js';
import { World } from './world.js';

export interface StageOptions {
  readonly config: Config;
  readonly seed?: number;
  readonly links?: readonly LinkOptions[];
  /** Puts another host in the world's place, such as one without a monitor. */
  readonly host?: (world: World) => Host;
}

/** A gateway in a simulated world on a virtual clock, and a record of all it did. */
export class Stage {
  readonly clock: VirtualClock = new VirtualClock();
  readonly world: World;
  readonly gateway: Gateway;
  readonly news: { readonly at: Instant; readonly news: News }[] = [];
  readonly steps: StepRecord[] = [];

  constructor({ config, seed = 1, links = [], host }: StageOptions) {
    this.world = new World({ clock: this.clock, seed, links });
    const made = Gateway.create({
      config,
      host: host?.(this.world) ?? this.world,
      clock: this.clock,
      observer: (record) => this.steps.push(record),
    });
    if (made.isErr()) throw new Error(`cannot set the stage: ${made.error.kind}`);
    this.gateway = made.value;
    this.gateway.onNews((news) => this.news.push({ at: this.clock.now(), news }));
  }

  /** Raises the curtain: ten seconds after the start, when tunnels are up and judged. */
  static async running(options: StageOptions): Promise<Stage> {
    const stage = new Stage(options);
    stage.gateway.start();
    await stage.run(10_000);
    return stage;
  }

  run(length: Millis): Promise<void> {
    return this.clock.runFor(length);
  }

  /** Runs until `reached`, looking every `grain`; throws after `limit`. Returns how long it took. */
  async runUntil(reached: () => boolean, limit: Millis, grain: Millis = 5): Promise<Millis> {
    const from = this.clock.now();
    while (!reached()) {
      if (this.clock.now() - from >= limit) throw new Error(`not reached within ${limit} ms`);
      await this.clock.runFor(grain);
    }
    return this.clock.now() - from;
  }

  get primary(): string | null {
    return this.gateway.status().primary;
  }

  tunnel(name: string): TunnelStatus {
    const found = this.gateway.status().tunnels.find((t) => t.config.name === name);
    if (found === undefined) throw new Error(`there is no tunnel ${name}`);
    return found;
  }

  newsOf<K extends News['type']>(type: K): readonly Extract<News, { type: K }>[] {
    return this.news.flatMap(({ news }) => (news.type === type ? [news as Extract<News, { type: K }>] : []));
  }

  /** What the log says from `info` up, without its levels. */
  log(): readonly string[] {
    return this.#heard().map(({ text }) => text);
  }

  /** The same as the daemon prints it: `[INFO] Gateway stopped`. */
  sentences(): readonly string[] {
    return this.#heard().map(({ level, text }) => `[${level.toUpperCase()}] ${text}`);
  }

  #heard(): readonly Sentence[] {
    return this.news.map(({ news }) => sentenceOf(news)).filter(({ level }) => level !== 'debug');
  }
}
