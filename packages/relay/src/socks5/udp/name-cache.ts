import type { Clock, Instant, Millis } from '@hurricane/core';
import type { Dialer } from '../../names/dial.js';
import type { Signal } from '../../signal.js';
import type { Service } from '../service.js';

/** How long an answer serves an association: longer than an exchange pauses, shorter than servers take to move. */
const KEPT: Millis = 60_000;

/** A name that leads nowhere is asked for again after this long. */
const FAILURE_KEPT: Millis = 5_000;

/** Names of one association; the one asked for longest ago gives way. */
const NAMES_AT_MOST = 64;

/** Datagrams that wait for one name. */
const WAITING_AT_MOST = 16;

interface Entry {
  /** Undefined while it is being asked for. */
  address: string | null | undefined;
  readonly until: Instant;
  readonly waiting: ((address: string | null) => void)[];
}

/** Where the names in an association's datagrams lead: always to the same address for as long as it is kept. */
export class NameCache {
  readonly #dialer: Dialer;
  readonly #clock: Clock;
  readonly #permits: Service['permits'];
  readonly #signal: Signal;
  readonly #entries = new Map<string, Entry>();

  constructor({ dialer, clock, permits }: Service, signal: Signal) {
    this.#dialer = dialer;
    this.#clock = clock;
    this.#permits = permits;
    this.#signal = signal;
  }

  /** Calls `then` with the address, at once where it is known; null: there is none. False: too many wait already. */
  find(name: string, port: number, then: (address: string | null) => void): boolean {
    const entry = this.#fresh(name) ?? this.#ask(name, port);
    if (entry.address !== undefined) then(entry.address);
    else if (entry.waiting.length >= WAITING_AT_MOST) return false;
    else entry.waiting.push(then);
    return true;
  }

  #fresh(name: string): Entry | null {
    const entry = this.#entries.get(name);
    if (entry === undefined) return null;
    const until = entry.address === null ? entry.until - KEPT + FAILURE_KEPT : entry.until;
    return entry.address === undefined || this.#clock.now() < until ? entry : null;
  }

  #ask(name: string, port: number): Entry {
    const entry: Entry = { address: undefined, until: this.#clock.now() + KEPT, waiting: [] };
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > NAMES_AT_MOST && oldest !== undefined) this.#entries.delete(oldest);
    void this.#lookUp(name, port).then((address) => {
      entry.address = address;
      for (const then of entry.waiting.splice(0)) then(address);
    });
    return entry;
  }

  /** The first that may be reached, IPv6 before IPv4. */
  async #lookUp(name: string, port: number): Promise<string | null> {
    const lookups = this.#dialer.lookups(name);
    if (lookups.isErr()) return null;
    const answers = await Promise.all(lookups.value.map((lookup) => lookup.ask(this.#signal)));
    const addresses = answers.flatMap((answer) => answer.unwrapOr([]));
    return addresses.find((address) => this.#permits({ address, port })) ?? null;
  }
}
