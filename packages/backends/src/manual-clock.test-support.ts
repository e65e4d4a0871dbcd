import type { Instant, Millis } from '@hurricane/core';
import type { ProbeClock } from './probe-clock.js';

interface Alarm {
  readonly at: Instant;
  readonly fire: () => void;
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements ProbeClock {
  #now: Instant = 1_000_000;
  #alarms: readonly Alarm[] = [];

  now(): Instant {
    return this.#now;
  }

  alarm(at: Instant, _label: string, fire: () => void): { cancel(): void } {
    const alarm = { at, fire };
    this.#alarms = [...this.#alarms, alarm];
    return { cancel: () => this.#remove(alarm) };
  }

  /** Alarms that are set. */
  get armed(): number {
    return this.#alarms.length;
  }

  /** Lets `span` pass and all that is due in it happen, every promise settled in between. */
  async pass(span: Millis): Promise<void> {
    const end = this.#now + span;
    await settled();
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      this.#remove(next);
      next.fire();
      await settled();
    }
    this.#now = end;
  }

  /** Jumps ahead without firing anything, as when this process was not let run. */
  stall(span: Millis): void {
    this.#now += span;
  }

  #next(end: Instant): Alarm | null {
    const due = this.#alarms.filter((alarm) => alarm.at <= end).sort((a, b) => a.at - b.at);
    return due[0] ?? null;
  }

  #remove(alarm: Alarm): void {
    this.#alarms = this.#alarms.filter((other) => other !== alarm);
  }
}

/** A turn of the event loop: by then every promise that can settle has. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
