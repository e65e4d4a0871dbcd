import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { Config, TunnelType } from './config/model.js';
import type { Clock, Host, Logger } from './contracts.js';
import type { Effect, Event } from './effects.js';
import type { GatewayError } from './errors.js';
import { type News, sentenceOf } from './news.js';
import { Performer } from './performer.js';
import { initialState, type State } from './state.js';
import { type GatewayStatus, projectStatus } from './status.js';
import { nextWake, step } from './step.js';
import { systemClock } from './system-clock.js';
import { type Instant, LONG_AGO, type Millis, NEVER } from './units.js';

export interface GatewayOptions {
  readonly config: Config;
  /** The outside world: `linuxHost()` of @hurricane/backends, or a simulated one. */
  readonly host: Host;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Gets every piece of news as a finished sentence. Default: silence. */
  readonly logger?: Logger;
  /** For metrics, tests and diagnostics: sees every step as it is taken. Must not throw. */
  readonly observer?: Observer;
}

export interface StepRecord {
  readonly before: State;
  readonly event: Event;
  readonly now: Instant;
  readonly after: State;
  readonly effects: readonly Effect[];
}

type Observer = (record: StepRecord) => void;
type Listener = (news: News) => void;

/** A machine that slept longer has tunnels whose past says nothing. Above the error of `Clock.asleep`. */
const LONGEST_NAP: Millis = 2_500;

/** An alarm this late means that the whole program stood still. */
const LONGEST_STALL: Millis = 3_000;

/** How long `stop` takes at most unless it is told otherwise. */
const STOP_LIMIT: Millis = 30_000;

/**
 * Runs tunnels, measures them, and keeps the default route on the best one.
 *
 * The shell around `step`: one event at a time, one alarm, effects performed and never judged.
 *
 * @example
 * const gateway = parseConfig(text).andThen((config) => Gateway.create({ config, host: linuxHost(config) }));
 */
export class Gateway {
  /** The machine's, unless it was given another one. */
  readonly clock: Clock;
  readonly #host: Host;
  readonly #logger: Logger | null;
  readonly #observers = new Set<Observer>();
  readonly #listeners = new Set<Listener>();
  readonly #performer: Performer;
  readonly #queue: Event[] = [];
  #state: State;
  /** When the last step was taken: what is due after it must not be missed. */
  #steppedAt: Instant = LONG_AGO;
  #draining = false;
  #slept: Millis;
  #alarm: { readonly at: Instant; cancel(): void } | null = null;

  private constructor(options: GatewayOptions) {
    this.#host = options.host;
    this.clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? null;
    if (options.observer !== undefined) this.observe(options.observer);
    this.#state = initialState(options.config);
    this.#slept = this.clock.asleep?.() ?? 0;
    this.#performer = new Performer({
      host: options.host,
      dispatch: (event) => this.#dispatch(event),
      warn: (text, fields) => this.#log('warn', text, fields),
    });
  }

  /** Errs with `no_driver` when the host cannot run one of the configured tunnel types. Starts nothing. */
  static create(options: GatewayOptions): Result<Gateway, GatewayError> {
    return checkDrivers(options.config, options.host).map(() => new Gateway(options));
  }

  /** Returns at once; progress is news. A gateway that has stopped can be started again. */
  start(): void {
    if (this.#state.phase !== 'stopped') return;
    this.#performer.watchHost();
    this.#dispatch({ type: 'start' });
  }

  /**
   * Stops everything this gateway started and gives the default route back.
   *
   * Takes at most `limit`. Errs with `stop_incomplete`, naming what is left, when the host would not
   * let go; the gateway is stopped all the same and arms no further timers. Asked again, it tries again.
   */
  stop(limit: Millis = STOP_LIMIT): ResultAsync<void, GatewayError> {
    if (this.#state.phase === 'stopped' && leftOf(this.#state).length === 0) return okAsync(undefined);
    const halted = this.#await<GatewayError | null>(limit, 'stop', (news) =>
      news.type === 'stopped' ? null : undefined,
    );
    this.#dispatch({ type: 'stop' });
    return new ResultAsync(
      halted.then((outcome) => {
        const left = leftOf(this.#state);
        this.#halt();
        const clean = outcome === null && left.length === 0;
        return clean ? ok(undefined) : err({ kind: 'stop_incomplete', left, after: limit });
      }),
    );
  }

  /** Takes on another configuration. Tunnels it does not change are not touched. */
  reload(config: Config): Result<void, GatewayError> {
    return checkDrivers(config, this.#host).map(() => this.#dispatch({ type: 'reload', config }));
  }

  /** The operator wants this tunnel up, whatever the configuration's `enabled` says. */
  raise(tunnel: string): Result<void, GatewayError> {
    return this.#known(tunnel).map(() => this.#dispatch({ type: 'raise', tunnel }));
  }

  /** The operator wants this tunnel down until it is raised again. */
  lower(tunnel: string): Result<void, GatewayError> {
    return this.#known(tunnel).map(() => this.#dispatch({ type: 'lower', tunnel }));
  }

  /**
   * The operator wants this tunnel taken down and brought up again, whether it is up, failed or lowered. The
   * default route leaves it first.
   */
  restart(tunnel: string): Result<void, GatewayError> {
    return this.#known(tunnel).map(() => this.#dispatch({ type: 'restart', tunnel }));
  }

  /**
   * The operator wants this tunnel to have the route, whatever the ranks say; null: ranks decide again.
   *
   * It gets the route at once if it is up, answers and scores above 0. A preference never strands traffic: when
   * the tunnel dies or its score falls below `leave_below`, failover works as always, and it gets the route back
   * under the rules of fail-back. It outlives a stop, and ends with a reload that removes the tunnel.
   */
  prefer(tunnel: string | null): Result<void, GatewayError> {
    const known = tunnel === null ? ok(undefined) : this.#known(tunnel);
    return known.map(() => this.#dispatch({ type: 'prefer', tunnel }));
  }

  /** What is true now. Never waits, never fails, computes nothing. */
  status(): GatewayStatus {
    return projectStatus(this.#state, this.clock.now(), this.clock.wall());
  }

  /** Calls `listener` for each piece of news of one type. Returns the way to stop it. */
  on<K extends News['type']>(type: K, listener: (news: Extract<News, { type: K }>) => void): () => void {
    return this.onNews((news) => {
      if (news.type === type) listener(news as Extract<News, { type: K }>);
    });
  }

  /** Calls `listener` for all news. One that throws is reported as a defect and does not stop the others. */
  onNews(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What it judges by, for diagnostics such as `Insight`: to be read only, and of a shape that may change. */
  get state(): State {
    return this.#state;
  }

  /** Calls `observer`, which must not throw, for each step as it is taken. Returns the way to stop it. */
  observe(observer: Observer): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Resolves with the primary's name as soon as there is one; errs with `not_ready` after `limit`. */
  ready(limit: Millis): ResultAsync<string, GatewayError> {
    const { failover } = this.#state;
    if (failover.kind !== 'idle') return okAsync(failover.primary);
    const chosen = this.#await<string | undefined>(limit, 'ready', (news) =>
      news.type === 'primary_selected' ? news.primary : undefined,
    );
    return new ResultAsync(
      chosen.then((name) => (typeof name === 'string' ? ok(name) : err({ kind: 'not_ready', after: limit }))),
    );
  }

  #dispatch(event: Event): void {
    const slept = this.clock.asleep?.() ?? 0;
    if (slept - this.#slept > LONGEST_NAP) this.#queue.push({ type: 'woke', gap: slept - this.#slept });
    this.#slept = slept;
    this.#queue.push(event);
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const now = this.clock.now();
        const before = this.#state;
        const { state, effects } = step(before, next, now);
        this.#state = state;
        this.#steppedAt = now;
        for (const observe of this.#observers) observe({ before, event: next, now, after: state, effects });
        for (const effect of effects) {
          if (effect.type === 'announce') this.#announce(effect.news);
          else this.#performer.perform(effect);
        }
      }
    } finally {
      this.#draining = false;
    }
    this.#arm();
  }

  #arm(): void {
    const at = nextWake(this.#state, this.#steppedAt);
    if (this.#alarm?.at === at) return;
    this.#alarm?.cancel();
    const ring = (): void => {
      this.#alarm = null;
      // Held up like this, whatever probes came back meanwhile were timed wrongly.
      const late = this.clock.now() - at;
      if (late > LONGEST_STALL) this.#dispatch({ type: 'woke', gap: late });
      this.#dispatch({ type: 'tick' });
    };
    this.#alarm = at === NEVER ? null : { at, ...this.clock.alarm(at, 'gateway', ring) };
  }

  #announce(news: News): void {
    const { level, text } = sentenceOf(news);
    this.#log(level, text, { news: news.type });
    for (const listener of [...this.#listeners]) {
      try {
        listener(news);
      } catch (cause) {
        this.#log('error', `A listener for "${news.type}" threw: ${String(cause)}`);
      }
    }
  }

  #log(level: Parameters<Logger['log']>[0], text: string, fields?: Readonly<Record<string, unknown>>): void {
    try {
      this.#logger?.log(level, text, fields);
    } catch {
      // A logger that throws must not take the tunnels down; there is nobody left to tell.
    }
  }

  /** Resolves with what `pick` makes of the first fitting news, or with undefined after `limit`. */
  #await<T>(limit: Millis, label: string, pick: (news: News) => T | undefined): Promise<T | undefined> {
    return new Promise((resolve) => {
      const settle = (value: T | undefined): void => {
        off();
        alarm.cancel();
        resolve(value);
      };
      const off = this.onNews((news) => {
        const picked = pick(news);
        if (picked !== undefined) settle(picked);
      });
      const alarm = this.clock.alarm(this.clock.now() + limit, label, () => settle(undefined));
    });
  }

  #halt(): void {
    this.#performer.abandon();
    this.#state = { ...this.#state, phase: 'stopped' };
    this.#arm();
  }

  #known(tunnel: string): Result<void, GatewayError> {
    const known = this.#state.tunnels.filter((t) => !t.leaving).map((t) => t.config.name);
    return known.includes(tunnel) ? ok(undefined) : err({ kind: 'unknown_tunnel', tunnel, known });
  }
}

function leftOf({ tunnels, route }: State): readonly string[] {
  const up = tunnels.filter((t) => t.state.kind !== 'down').map((t) => t.config.name);
  return route.applied !== null && route.applied.via === null ? up : [...up, 'the default route'];
}

function checkDrivers(config: Config, host: Host): Result<void, GatewayError> {
  const has = (type: TunnelType): boolean => host.drivers[type] !== undefined;
  const orphan = config.tunnels.find((t) => !has(t.type));
  return orphan === undefined ? ok(undefined) : err({ kind: 'no_driver', tunnel: orphan.name, type: orphan.type });
}
