import type { Clock } from '../contracts.js';
import type { Instant, Millis } from '../units.js';
import { type Alarm, AlarmHeap } from './alarm-heap.js';

interface Entry extends Alarm {
  /** `at` is the last moment for it, and this is the first. */
  readonly from: Instant;
}

/**
 * What is to happen on a clock of real time, by one timer. Each time that a sleeping process is woken costs it some
 * 50 µs, far more than the sending of a simulated probe: what nobody sees happen waits for what somebody does.
 */
export class Timetable {
  readonly #clock: Clock;
  readonly #label: string;
  readonly #entries = new AlarmHeap<Entry>();
  #order = 0;
  #ringing = false;
  #timer: { readonly at: Instant; cancel(): void } | null = null;

  constructor(clock: Clock, label: string) {
    this.#clock = clock;
    this.#label = label;
  }

  /** Calls `run` at `from`, or together with whatever else is due within `patience` after it. */
  at(from: Instant, patience: Millis, run: (from: Instant) => void): void {
    const order = this.#order++;
    const fire = (): void => run(from);
    this.#entries.push({ at: from + patience, order, label: this.#label, fire, cancelled: false, from });
    this.#arm();
  }

  #arm(): void {
    const at = this.#entries.first()?.at;
    if (this.#ringing || at === undefined || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    this.#timer = { at, ...this.#clock.alarm(at, this.#label, () => this.#ring()) };
  }

  #ring(): void {
    this.#timer = null;
    this.#ringing = true;
    const now = this.#clock.now();
    for (let next = this.#entries.first(); next !== null && next.from <= now; next = this.#entries.first()) {
      this.#entries.removeFirst();
      next.fire();
    }
    this.#ringing = false;
    this.#arm();
  }
}
