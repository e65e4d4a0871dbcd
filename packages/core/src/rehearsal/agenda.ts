import { type Instant, NEVER } from '../units.js';

interface Entry<T> {
  readonly at: Instant;
  readonly what: T;
}

/** Things to come, the next one first; of those due together, the one that was noted first. */
export class Agenda<T> {
  /** The next one last, so that taking it moves nothing. */
  readonly #entries: Entry<T>[] = [];

  note(at: Instant, what: T): void {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.at > at) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, { at, what });
  }

  /** When the next one is due; `NEVER` when there is none. */
  get nextAt(): Instant {
    return this.#entries[this.#entries.length - 1]?.at ?? NEVER;
  }

  /** The next one, whenever it is due. */
  take(): T | null {
    return this.#entries.pop()?.what ?? null;
  }
}
