import { ABSENT, type LinkCounters, type LinkReading } from '../facts.js';
import type { Instant, Millis } from '../units.js';
import type { Faults } from './faults.js';

/** What a simulated interface begins as. */
export interface LinkOptions {
  readonly iface: string;
  readonly address?: string;
  readonly rtt?: Millis;
  readonly loss?: number;
}

/** One interface of a simulated host, and the path beyond it. */
export class Link {
  readonly iface: string;
  /** Whether the interface exists. */
  present = false;
  /** It exists by itself: no driver makes or removes it. */
  given = false;
  address: string | null;
  /** Rules and table of its own, so that packets from its address leave by it. */
  routed = false;
  /** Round trip without jitter. */
  rtt: Millis;
  /** Added to a round trip, drawn evenly from 0 up to this. */
  jitter: Millis = 5;
  /** Chance that a probe or its reply is dropped. */
  loss: number;
  /** A black hole: nothing comes back and nothing is said. */
  cut = false;
  /** How often somebody interfered with it, or the machine slept: between two looks it may have been down and up. */
  disturbances = 0;
  /** The network answers every probe with an error. */
  refuses = false;
  /** Traffic of others coming in, in bytes per second. Lost probes do not stop it; a cut does. */
  inflow = 0;
  /** Faults of this link alone, over the world's. */
  faults: Partial<Faults> = {};
  #rx = 0;
  #tx = 0;
  #countedAt: Instant = 0;

  readonly #ownAddress: string;

  constructor(options: LinkOptions, address: string) {
    this.iface = options.iface;
    this.#ownAddress = options.address ?? address;
    this.address = this.#ownAddress;
    this.rtt = options.rtt ?? 20;
    this.loss = options.loss ?? 0;
  }

  /** Whether anything comes back through it at all. */
  get carries(): boolean {
    return this.present && this.routed && !this.cut && !this.refuses && this.loss < 1;
  }

  count(now: Instant, { rx = 0, tx = 0 }: { rx?: number; tx?: number } = {}): void {
    if (this.present && !this.cut) this.#rx += (this.inflow * (now - this.#countedAt)) / 1000;
    this.#countedAt = now;
    this.#rx += rx;
    this.#tx += tx;
  }

  counters(now: Instant): LinkCounters {
    this.count(now);
    return { rx: BigInt(Math.floor(this.#rx)), tx: BigInt(Math.floor(this.#tx)) };
  }

  /** Its driver gives it the address it should have. */
  assignAddress(): void {
    this.address ??= this.#ownAddress;
  }

  /** A deleted interface takes its counters with it. */
  vanish(): void {
    this.present = false;
    this.routed = false;
    this.#rx = 0;
    this.#tx = 0;
  }

  reading(now: Instant): LinkReading {
    if (!this.present) return ABSENT;
    const counters = this.counters(now);
    const { address } = this;
    return { link: 'up', address, prefixLength: 64, gateway: null, mtu: 1480, counters, carrier: 'simulated' };
  }
}
