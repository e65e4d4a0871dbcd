import type { Clock } from '../contracts.js';
import type { Instant, Millis, UnixMillis, UnixSeconds } from '../units.js';
import { type Alarm, AlarmHeap } from './alarm-heap.js';

/** What the wall clock shows when virtual time begins. */
const WALL_AT_ZERO: UnixSeconds = 1_700_000_000;

/** Time that passes only when a test says so. Alarms due together fire in the order they were set. */
export class VirtualClock implements Clock {
  #now: Instant = 0;
  #order = 0;
  #wallAtZero = WALL_AT_ZERO;
  #halted = false;
  #slept: Millis = 0;
  readonly #alarms = new AlarmHeap();

  now(): Instant {
    return this.#now;
  }

  wall(): UnixSeconds {
    return this.#wallAtZero + Math.floor(this.#now / 1000);
  }

  wallMillis(): UnixMillis {
    return this.#wallAtZero * 1000 + Math.floor(this.#now);
  }

  asleep(): Millis {
    return this.#slept;
  }

  /** The machine sleeps: wall time passes, monotonic time does not, and no alarm rings. */
  nap(length: Millis): void {
    this.#slept += length;
    this.#wallAtZero += Math.round(length / 1000);
  }

  /** Somebody sets the wall clock. Monotonic time does not notice. */
  skewWall(seconds: number): void {
    this.#wallAtZero += seconds;
  }

  alarm(at: Instant, label: string, fire: () => void): { cancel(): void } {
    const alarm: Alarm = { at: Math.max(at, this.#now), order: this.#order++, label, fire, cancelled: false };
    this.#alarms.push(alarm);
    return {
      cancel: () => {
        alarm.cancelled = true;
      },
    };
  }

  /** The labels of all alarms that are armed. */
  pending(): readonly string[] {
    return this.#alarms.labels();
  }

  runFor(length: Millis): Promise<void> {
    return this.runUntil(this.#now + length);
  }

  /** Time comes to an end: every run, this one and later ones, throws. */
  halt(): void {
    this.#halted = true;
  }

  /** Runs up to and including `until`, letting every promise settle between one alarm and the next. */
  async runUntil(until: Instant): Promise<void> {
    for (;;) {
      await settled();
      if (this.#halted) throw new Error('time was brought to an end');
      const next = this.#alarms.popDue(until);
      if (next === null) break;
      this.#now = next.at;
      next.fire();
    }
    this.#now = Math.max(this.#now, until);
    await settled();
  }
}

/** A macrotask boundary: every microtask queued so far, and all that they queue, has run once this resolves. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    globalThis.setImmediate(resolve);
  });
}
