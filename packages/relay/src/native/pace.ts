import { READ_ALONE } from './native-limits.js';

/** Whether the datagrams of a socket come one by one: then each is read by itself, which costs less. */
export class Pace {
  /** So many are still to be read by themselves. */
  #alone = 0;

  get comesAlone(): boolean {
    return this.#alone > 0;
  }

  /** So many have come at once. */
  came(count: number): void {
    if (count > 1) this.#alone = 0;
    else if (this.#alone > 0) this.#alone -= 1;
    else this.#alone = READ_ALONE;
  }
}
