import type { Clock } from './contracts.js';
import { explainFailover } from './explain.js';
import type { FailoverExplanation, SwitchRecord } from './explanation.js';
import type { Gateway, StepRecord } from './gateway.js';
import { History, type HistoryQuery, type HistoryView, NOTHING } from './history.js';
import type { News } from './news.js';
import { type NewsFeed, NewsLog } from './news-log.js';
import { Sampler } from './sampling.js';
import type { Tunnel } from './tunnel.js';
import type { Instant, Millis, UnixMillis, UnixSeconds } from './units.js';

export interface InsightOptions {
  /** Default: the gateway's. */
  readonly clock?: Clock;
}

/** So many moves of the route are kept, each with what was known when it was decided. */
const SWITCHES_KEPT = 50;

/** Between two samples of the history. */
const SAMPLE_INTERVAL: Millis = 1_000;

/**
 * What happened, kept in bounded memory: news, samples for graphs, and why the route went where it is.
 *
 * Subscribes to one gateway, and decides nothing. It samples while the gateway runs, by one alarm a second.
 *
 * @example
 * const insight = new Insight(gateway);
 * console.log(insight.explain().rule);
 */
export class Insight {
  readonly news: NewsFeed;
  readonly #gateway: Gateway;
  readonly #clock: Clock;
  readonly #log = new NewsLog();
  readonly #history = new History();
  readonly #sampler = new Sampler();
  readonly #letGo: readonly (() => void)[];
  #switches: readonly SwitchRecord[] = [];
  /** When the last sample was taken, by both clocks. */
  #sampled: { readonly now: Instant; readonly at: UnixSeconds } | null = null;
  #alarm: { cancel(): void } | null = null;
  #closed = false;

  constructor(gateway: Gateway, options: InsightOptions = {}) {
    this.#gateway = gateway;
    this.#clock = options.clock ?? gateway.clock;
    this.news = this.#log;
    this.#letGo = [gateway.observe((record) => this.#look(record)), gateway.onNews((news) => this.#hear(news))];
    this.#history.keep(this.#names());
    if (gateway.state.phase !== 'stopped') this.#arm(this.#clock.now() + SAMPLE_INTERVAL);
  }

  /** Why the present primary has the route, who was passed over for what, and what would move it. */
  explain(): FailoverExplanation {
    const { state } = this.#gateway;
    return { ...explainFailover(state, this.#clock.now(), this.#clock.wall()), switches: this.#switches };
  }

  /**
   * What was measured, second by second and then ever more coarsely, for a day. A tunnel that a reload removes
   * is forgotten, and one that it renames is new.
   */
  history(query: HistoryQuery): HistoryView {
    return this.#history.view(query);
  }

  /** Lets go of its gateway, and samples no more. What it has kept can still be read. */
  close(): void {
    this.#closed = true;
    this.#alarm?.cancel();
    this.#alarm = null;
    for (const letGo of this.#letGo) letGo();
  }

  #hear(news: News): void {
    if (news.type === 'reloaded') this.#history.keep(this.#names());
    if (news.type === 'started' && this.#alarm === null) this.#arm(this.#clock.now() + SAMPLE_INTERVAL);
    this.#log.append(news, this.#wallMillis());
  }

  #look({ effects, now }: StepRecord): void {
    for (const effect of effects) {
      if (effect.type !== 'announce' || effect.judged === undefined) continue;
      const { candidates } = explainFailover(effect.judged, now, this.#clock.wall());
      const move = moveOf(effect.news);
      if (move === null) continue;
      const record = Object.freeze({ at: this.#wallMillis(), ...move, candidates });
      this.#switches = [record, ...this.#switches].slice(0, SWITCHES_KEPT);
    }
  }

  #arm(at: Instant): void {
    if (this.#closed) return;
    this.#alarm = this.#clock.alarm(at, 'insight', () => {
      this.#alarm = null;
      // A gateway that stops arms no further timers, and neither does this.
      if (this.#gateway.state.phase === 'stopped') return;
      const now = this.#clock.now();
      this.#sample(now);
      // Held up, it samples when it can, and then goes on in step.
      this.#arm(at + SAMPLE_INTERVAL * Math.max(1, Math.ceil((now - at) / SAMPLE_INTERVAL)));
    });
  }

  #sample(now: Instant): void {
    const tunnels = this.#tunnels();
    const readings = this.#sampler.readingsOf(tunnels, now);
    this.#history.keep(this.#names());
    const at = this.#dateOf(now);
    this.#sampled = { now, at };
    this.#history.take(at, (name) => readings.get(name) ?? NOTHING);
  }

  /** Every second has its number, although alarms are late by milliseconds; a clock that was set is followed. */
  #dateOf(now: Instant): UnixSeconds {
    const wall = this.#clock.wall();
    if (this.#sampled === null) return wall;
    const next = this.#sampled.at + Math.max(1, Math.round((now - this.#sampled.now) / 1000));
    return Math.abs(wall - next) <= 1 ? next : wall;
  }

  #tunnels(): readonly Tunnel[] {
    return this.#gateway.state.tunnels.filter((t) => !t.leaving);
  }

  #names(): readonly string[] {
    return this.#tunnels().map((t) => t.config.name);
  }

  #wallMillis(): UnixMillis {
    return this.#clock.wallMillis?.() ?? this.#clock.wall() * 1000;
  }
}

function moveOf(news: News): Omit<SwitchRecord, 'at' | 'candidates'> | null {
  switch (news.type) {
    case 'primary_selected':
      return { from: null, to: news.primary, reason: 'selected', from_score: null, to_score: news.score };
    case 'failed_over': {
      const { from, to, reason, fromScore, toScore } = news;
      return { from, to, reason, from_score: fromScore, to_score: toScore };
    }
    default:
      return null;
  }
}
