import type { Millis } from '@hurricane/core';

/** How many changes one client may ask for: `burst` at once, and `perSecond` for as long as it likes. */
export interface RateLimit {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  /** Changes that may be asked for at `at`. */
  left: number;
  at: Millis;
}

/**
 * Token buckets, one a client. The table is bounded: the client that was here longest ago gives way, and
 * one that gave way begins with a full bucket. So a flood from many addresses is slowed by the addresses
 * it has, not by this; its connections and its missing token are what bounds it.
 */
export class Rate {
  readonly #limit: RateLimit;
  readonly #clients: number;
  readonly #now: () => Millis;
  /** In order of the last change: the first was here longest ago. */
  readonly #buckets = new Map<string, Bucket>();

  /** @param clients how many are told apart. */
  constructor(limit: RateLimit, clients: number, now: () => Millis) {
    this.#limit = limit;
    this.#clients = clients;
    this.#now = now;
  }

  /** Zero, and the change is counted; or how long this client has to wait. */
  take(client: string): Millis {
    const { burst, perSecond } = this.#limit;
    const at = this.#now();
    const known = this.#buckets.get(client);
    const left = known === undefined ? burst : Math.min(burst, known.left + ((at - known.at) / 1_000) * perSecond);
    const granted = left >= 1;
    this.#buckets.delete(client);
    this.#buckets.set(client, { left: granted ? left - 1 : left, at });
    if (this.#buckets.size > this.#clients) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return granted ? 0 : ((1 - left) / perSecond) * 1_000;
  }

  /** How many clients are remembered. */
  get size(): number {
    return this.#buckets.size;
  }
}
