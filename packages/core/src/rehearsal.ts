import type { LogLevel } from './config/model.js';
import type { Event } from './effects.js';
import { describeDriverError } from './errors.js';
import { type News, sentenceOf } from './news.js';
import { Agenda } from './rehearsal/agenda.js';
import { Ground } from './rehearsal/ground.js';
import { describeHypothesis, type Hypothesis } from './rehearsal/hypothesis.js';
import { ImaginedHost } from './rehearsal/imagined-host.js';
import type { Happening } from './rehearsal/imagined-prober.js';
import type { State } from './state.js';
import { nextWake, step } from './step.js';
import { type Instant, type Millis, NEVER } from './units.js';

export type { Hypothesis } from './rehearsal/hypothesis.js';

// Documents: they go on the wire as they are, and so are named as the wire has it.

/** What the gateway would do, and when. */
export interface RehearsalView {
  readonly supposed: string;
  /** One sentence: how it would end. */
  readonly summary: string;
  readonly primary_before: string | null;
  readonly primary_after: string | null;
  /** Until the route first moves; null: it does not. */
  readonly first_move_after_ms: number | null;
  /** For so long in all, the tunnel with the route would carry nothing, or no tunnel would have it. */
  readonly outage_ms: number;
  /** In order, at most 100. */
  readonly events: readonly RehearsedEvent[];
  readonly events_left_out: number;
  readonly looked_ahead_s: number;
  /** It took more steps than may be taken: what would come later was not looked at. */
  readonly cut_short: boolean;
  readonly assumptions: readonly string[];
}

export interface RehearsedEvent {
  readonly after_ms: number;
  readonly level: LogLevel;
  /** As `News` has it. */
  readonly type: string;
  /** The log line. */
  readonly text: string;
}

export interface RehearsalOptions {
  /** Live; it is left as it is. */
  readonly state: State;
  readonly now: Instant;
  readonly supposed: Hypothesis;
  /** Until it is over; null: it stays. */
  readonly lasts: Millis | null;
  readonly length: Millis;
}

const EVENTS_AT_MOST = 100;

/** Ten minutes of ten tunnels in doubt. */
const STEPS_AT_MOST = 100_000;

const ASSUMPTIONS: readonly string[] = [
  'Whatever is not supposed to change stays as it is: who answers, how fast, and what fails',
  'Probes leave in the middle of the time in which they may: each moment may come an interval earlier or later',
  'The host does what it is asked: a tunnel comes up in 0.3 s, a route changes in 20 ms',
  'Where packets are lost by chance, this is one course of many',
];

/** Runs the gateway's own judgement forward from a live state, in imagined time, and touches nothing. */
export class Rehearsal {
  readonly #options: RehearsalOptions;
  readonly #ground: Ground;
  readonly #host: ImaginedHost;
  readonly #agenda = new Agenda<Happening>();
  readonly #events: RehearsedEvent[] = [];
  #leftOut = 0;
  #state: State;
  #now: Instant;
  #steps = 0;
  #firstMove: Millis | null = null;
  #outage: Millis = 0;
  #over = false;

  constructor(options: RehearsalOptions) {
    const { state, now, supposed, lasts } = options;
    this.#options = options;
    this.#state = state;
    this.#now = now;
    this.#ground = new Ground(state, supposed, now, lasts === null ? NEVER : now + lasts);
    this.#host = new ImaginedHost(state, now, this.#ground, this.#agenda);
    this.#over = state.phase !== 'running';
    for (const event of openingOf(options)) this.#agenda.note(now, () => event);
    if (lasts !== null) for (const event of closingOf(options)) this.#agenda.note(now + lasts, () => event);
  }

  /** Takes at most so many steps, of some microseconds each. True once it has come to its end. */
  advance(steps: number): boolean {
    const { now: from, length } = this.#options;
    for (let i = 0; i < steps && !this.#over; i += 1) {
      const wakeAt = nextWake(this.#state, this.#now);
      const at = Math.min(this.#agenda.nextAt, wakeAt);
      if (at > from + length || this.#steps >= STEPS_AT_MOST) {
        if (at > from + length) this.#pass(from + length);
        this.#over = true;
        break;
      }
      this.#pass(Math.max(at, this.#now));
      const due =
        this.#agenda.nextAt <= wakeAt ? (this.#agenda.take()?.(this.#now) ?? null) : ({ type: 'tick' } as const);
      if (due !== null) this.#step(due);
    }
    return this.#over;
  }

  /** How far it has come. */
  get passed(): Millis {
    return this.#now - this.#options.now;
  }

  view(): RehearsalView {
    const { state, supposed, lasts, now } = this.#options;
    return {
      supposed: describeHypothesis(supposed, lasts),
      summary: this.#summary(),
      primary_before: primaryIn(state),
      primary_after: primaryIn(this.#state),
      first_move_after_ms: this.#firstMove === null ? null : Math.round(this.#firstMove),
      outage_ms: Math.round(this.#outage),
      events: this.#events,
      events_left_out: this.#leftOut,
      looked_ahead_s: Math.round((this.#now - now) / 100) / 10,
      cut_short: this.#steps >= STEPS_AT_MOST,
      assumptions: ASSUMPTIONS,
    };
  }

  /** Time goes by until then. */
  #pass(until: Instant): void {
    const primary = primaryIn(this.#state);
    const served = primary !== null && this.#ground.carries(primary, this.#now);
    if (!served) this.#outage += until - this.#now;
    this.#now = until;
  }

  #step(event: Event): void {
    this.#steps += 1;
    const before = primaryIn(this.#state);
    const { state, effects } = step(this.#state, event, this.#now);
    this.#state = state;
    if (this.#firstMove === null && primaryIn(state) !== before) this.#firstMove = this.#now - this.#options.now;
    for (const effect of effects) {
      if (effect.type === 'announce') this.#hear(effect.news);
      else this.#host.perform(effect, this.#now);
    }
  }

  #hear(news: News): void {
    if (this.#events.length >= EVENTS_AT_MOST) {
      this.#leftOut += 1;
      return;
    }
    const after_ms = Math.round(this.#now - this.#options.now);
    this.#events.push({ after_ms, type: news.type, ...sentenceOf(news) });
  }

  #summary(): string {
    const { state, supposed } = this.#options;
    if (state.phase !== 'running') return `The gateway is ${state.phase}: it would do nothing`;
    const [from, to] = [primaryIn(state), primaryIn(this.#state)];
    const failed = this.#state.tunnels.find((t) => 'tunnel' in supposed && t.config.name === supposed.tunnel)?.state;
    const why = failed?.kind === 'failed' ? `; ${describeDriverError(failed.fault)}` : '';
    const out = this.#outage === 0 ? 'nothing would be lost meanwhile' : `${seconds(this.#outage)} without IPv6 in all`;
    if (this.#firstMove === null)
      return from === null
        ? `No tunnel would have the route, as now${why}`
        : `The route would stay on ${from}: ${out}${why}`;
    const moved = `The route would first move after ${seconds(this.#firstMove)}`;
    const end =
      to === from ? `and be back on ${to ?? 'no tunnel'} in the end` : `and lie on ${to ?? 'no tunnel'} in the end`;
    return `${moved}, ${end}: ${out}${why}`;
  }
}

/** What the gateway is told at the beginning. */
function openingOf({ state, supposed }: RehearsalOptions): readonly Event[] {
  // What is due by now has its turn first.
  return [{ type: 'tick' }, ...beginningOf(supposed, state)];
}

function beginningOf(supposed: Hypothesis, state: State): readonly Event[] {
  switch (supposed.kind) {
    case 'lowered':
      return [{ type: 'lower', tunnel: supposed.tunnel }];
    case 'preferred':
      return [{ type: 'prefer', tunnel: supposed.tunnel }];
    case 'interface_gone':
      return linkChanged(state, supposed.tunnel);
    default:
      return [];
  }
}

/** And once it is over: the host's monitor sees an interface come back. */
function closingOf({ state, supposed }: RehearsalOptions): readonly Event[] {
  return supposed.kind === 'interface_gone' ? linkChanged(state, supposed.tunnel) : [];
}

function linkChanged({ tunnels }: State, name: string): readonly Event[] {
  const found = tunnels.find((t) => t.config.name === name);
  if (found === undefined) return [];
  const { iface } = found.running ?? found.config;
  return [{ type: 'host_changed', change: { kind: 'link', iface } }];
}

const primaryIn = ({ failover }: State): string | null => (failover.kind === 'idle' ? null : failover.primary);
const seconds = (length: Millis): string => `${(length / 1_000).toFixed(length < 10_000 ? 2 : 0)} s`;
