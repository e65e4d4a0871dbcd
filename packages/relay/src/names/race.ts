import type { Clock, Instant, Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { ConnectError } from '../contracts.js';
import { CallOff, type Signal } from '../signal.js';
import type { Family, NameError } from './resolver.js';

// RFC 8305, Happy Eyeballs version 2. Node's own (`autoSelectFamily`) is off as soon as a source address is given,
// tries one after the other, and takes each away again after a time-out.

/** RFC 8305 section 5: "Connection Attempt Delay", recommended. */
export const ATTEMPT_DELAY: Millis = 250;

/** RFC 8305 section 3: how long an IPv4 answer waits for the IPv6 one. */
export const RESOLUTION_DELAY: Millis = 50;

export interface Lookup {
  readonly family: Family;
  ask(signal: Signal): ResultAsync<readonly string[], NameError>;
}

export interface RaceOptions<T> {
  readonly clock: Clock;
  /** Asked all at once, in this order. */
  readonly lookups: readonly Lookup[];
  /** Settles promptly once `signal` aborts. */
  attempt(address: string, family: Family, signal: Signal): ResultAsync<T, ConnectError>;
  /** A further attempt that succeeded after another had won. */
  discard(late: T): void;
  /** `6`: IPv6 first, and IPv4 waits a little for it. Null: whatever is known first. */
  readonly prefer: 6 | null;
  /** Between two attempts; left out: `ATTEMPT_DELAY`. */
  readonly delay?: Millis;
  readonly signal: Signal;
}

/** Everything that went wrong, in the order in which it did. Both empty: there was no address to try. */
export interface RaceFailure {
  readonly names: readonly NameError[];
  readonly attempts: readonly ConnectError[];
}

/** The first connection that succeeds; every other attempt is called off. */
export function race<T>(options: RaceOptions<T>): ResultAsync<T, RaceFailure> {
  return new ResultAsync(new Promise((resolve, reject) => new Race(options, resolve, reject).start()));
}

class Race<T> {
  readonly #options: RaceOptions<T>;
  readonly #finish: (result: Result<T, RaceFailure>) => void;
  /** For what should not be: something that was called has thrown. */
  readonly #defect: (thrown: unknown) => void;
  readonly #queues: Readonly<Record<Family, string[]>> = { 4: [], 6: [] };
  readonly #seen = new Set<string>();
  readonly #asking: Set<Family>;
  /** Ends everything that is under way. */
  readonly #over = new CallOff();
  readonly #names: NameError[] = [];
  readonly #attempts: ConnectError[] = [];
  #running = 0;
  #begun = false;
  #lastFamily: Family | null = null;
  #lastStart: Instant = 0;
  #alarm: { cancel(): void } | null = null;

  constructor(
    options: RaceOptions<T>,
    finish: (result: Result<T, RaceFailure>) => void,
    defect: (thrown: unknown) => void,
  ) {
    this.#options = options;
    this.#finish = finish;
    this.#defect = defect;
    this.#asking = new Set(options.lookups.map(({ family }) => family));
  }

  start(): void {
    const { signal, lookups } = this.#options;
    if (signal.aborted) {
      this.#callOff();
      return;
    }
    signal.addEventListener('abort', this.#callOff, { once: true });
    for (const lookup of lookups)
      void lookup.ask(this.#over.signal).then((answer) => this.#answered(lookup, answer), this.#fail);
    if (lookups.length === 0) this.#proceed();
  }

  readonly #callOff = (): void => {
    this.#attempts.push({ kind: 'aborted' });
    this.#end(err(this.#failure()));
  };

  #answered({ family }: Lookup, answer: Result<readonly string[], NameError>): void {
    this.#asking.delete(family);
    if (answer.isErr()) this.#names.push(answer.error);
    for (const address of answer.unwrapOr([])) {
      if (!this.#seen.has(address)) this.#queues[family].push(address);
      this.#seen.add(address);
    }
    if (this.#begun || this.#mayBegin(family)) this.#begin();
    // Only IPv4 has been answered yet. Nothing to wait with if that was nothing.
    else if (this.#queues[4].length > 0) this.#ring(this.#options.clock.now() + RESOLUTION_DELAY, this.#begin);
  }

  #mayBegin(answered: Family): boolean {
    if (this.#asking.size === 0 || this.#options.prefer === null) return true;
    return answered === 6 ? this.#queues[6].length > 0 || this.#queues[4].length > 0 : false;
  }

  readonly #begin = (): void => {
    this.#begun = true;
    this.#proceed();
  };

  /** Starts the next attempt, sets an alarm for it, or sees that there is nothing left to wait for. */
  readonly #proceed = (): void => {
    if (this.#over.signal.aborted) return;
    const now = this.#options.clock.now();
    const due = this.#lastStart + (this.#options.delay ?? ATTEMPT_DELAY);
    if (this.#queues[4].length + this.#queues[6].length === 0) {
      if (this.#running === 0 && this.#asking.size === 0) this.#end(err(this.#failure()));
    } else if (this.#running === 0 || now >= due) {
      this.#launch();
    } else {
      this.#ring(due, this.#proceed);
    }
  };

  #launch(): void {
    const family = this.#nextFamily();
    const address = this.#queues[family].shift();
    if (address === undefined) return;
    this.#lastFamily = family;
    this.#lastStart = this.#options.clock.now();
    this.#running += 1;
    void this.#options.attempt(address, family, this.#over.signal).then((outcome) => this.#ended(outcome), this.#fail);
    this.#proceed();
  }

  /** RFC 8305 section 4: one of the preferred family, then by turns. */
  #nextFamily(): Family {
    const other = this.#lastFamily === 6 ? 4 : 6;
    return this.#queues[other].length > 0 ? other : other === 6 ? 4 : 6;
  }

  #ended(outcome: Result<T, ConnectError>): void {
    this.#running -= 1;
    if (this.#over.signal.aborted) {
      if (outcome.isOk()) this.#options.discard(outcome.value);
      return;
    }
    if (outcome.isOk()) {
      this.#end(ok(outcome.value));
      return;
    }
    this.#attempts.push(outcome.error);
    // RFC 8305 section 5: a failure does not wait for the delay.
    if (this.#queues[4].length + this.#queues[6].length > 0) this.#launch();
    else this.#proceed();
  }

  #ring(at: Instant, then: () => void): void {
    this.#alarm?.cancel();
    this.#alarm = this.#options.clock.alarm(at, 'happy eyeballs', then);
  }

  #end(result: Result<T, RaceFailure>): void {
    if (this.#over.signal.aborted) return;
    this.#alarm?.cancel();
    this.#options.signal.removeEventListener('abort', this.#callOff);
    this.#over.abort();
    this.#finish(result);
  }

  readonly #fail = (thrown: unknown): void => {
    this.#defect(thrown);
    this.#callOff();
  };

  #failure(): RaceFailure {
    return { names: this.#names, attempts: this.#attempts };
  }
}
