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

/** Where a path may be cut, from this machine outwards. */
export type CutPlace = 'underlay' | 'pop' | 'upstream';

export const CUT_PLACES: readonly CutPlace[] = ['underlay', 'pop', 'upstream'];

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
  /** A black hole: nothing comes back from there or from beyond, and nothing is said. Null: none. */
  cutAt: CutPlace | null = null;
  /** The provider's own end, and its server, answer no probes. Whatever else passes, passes. */
  popMute = false;
  underlayMute = false;
  /** Of the interface, in bytes. */
  mtu = 1_480;
  /** Where its peer is, `address:port`; null: the host cannot tell. */
  endpoint: string | null = null;
  /** Packets longer than this vanish, in bytes. Null: none do. */
  passes: number | null = null;
  /** How often somebody interfered with it, or the machine slept: between two looks it may have been down and up. */
  disturbances = 0;
  /** The network answers every probe with an error. */
  refuses = false;
  /** Traffic of others coming in, in bytes per second. Lost probes do not stop it; a cut does. */
  inflow = 0;
  /** The same going out. A cut does not stop what is sent into it. */
  outflow = 0;
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

  get cut(): boolean {
    return this.cutAt !== null;
  }

  /** Whether anything comes back through it at all. */
  get carries(): boolean {
    return this.delivers(null) && this.loss < 1;
  }

  /** The provider's end, as the configuration of such a tunnel has it. */
  get pop(): string | null {
    return this.address?.endsWith('::2') === true ? `${this.address.slice(0, -1)}1` : null;
  }

  /** Whether packets get as far as that and back; null: all the way. Single ones may be lost for all that. */
  delivers(ring: 'underlay' | 'pop' | null): boolean {
    const broken = this.cutAt === null ? Number.POSITIVE_INFINITY : CUT_PLACES.indexOf(this.cutAt);
    if (ring === 'underlay') return broken > CUT_PLACES.indexOf('underlay') && !this.underlayMute;
    const inside = this.present && this.routed && !this.refuses;
    if (ring === 'pop') return inside && broken > CUT_PLACES.indexOf('pop') && !this.popMute;
    return inside && !this.cut;
  }

  count(now: Instant, { rx = 0, tx = 0 }: { rx?: number; tx?: number } = {}): void {
    const seconds = (now - this.#countedAt) / 1000;
    if (this.present && !this.cut) this.#rx += this.inflow * seconds;
    if (this.present) this.#tx += this.outflow * seconds;
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
    const { address, mtu, endpoint } = this;
    const carrier = 'simulated';
    return { link: 'up', address, prefixLength: 64, gateway: null, mtu, counters, carrier, endpoint };
  }
}
