import { type Departure, meterDepartures, readDepartures, type SocketKind } from './leak-meter.js';
import type { Namespace } from './namespace.js';

/**
 * Why packets of a tunnel may leave elsewhere for a while: somebody deleted rules and routes of ours by
 * hand, or the user took the tunnel out, and with it all that its address would be held to.
 */
export type Exemption = 'hands on our rules' | 'taken out';

/** What an address that has been taken out can still be the source of: sockets that were bound before. */
const STALE: ReadonlySet<SocketKind> = new Set(['steadfast', 'connected', 'syn']);

export interface LeakReport {
  /** Each a sentence; empty when nothing left where it should not. */
  readonly leaks: readonly string[];
  readonly exempted: Readonly<Record<Exemption, number>>;
  /** Packets that left as they should, by source. */
  readonly proper: Readonly<Record<string, number>>;
}

/** Holds what leaves a namespace against the interface that each source belongs to. */
export class LeakLedger {
  readonly #space: Namespace;
  readonly #owners: ReadonlyMap<string, string>;
  readonly #exempt = new Map<string, Exemption>();
  readonly #seen = new Map<string, number>();
  readonly #leaks: string[] = [];
  readonly #exempted = { 'hands on our rules': 0, 'taken out': 0 };
  readonly #proper: Record<string, number> = {};

  private constructor(space: Namespace, owners: ReadonlyMap<string, string>) {
    this.#space = space;
    this.#owners = owners;
  }

  /** `owners`: the interface of each source. Counts from the moment it resolves. */
  static async open(space: Namespace, owners: ReadonlyMap<string, string>): Promise<LeakLedger> {
    await meterDepartures(space);
    return new LeakLedger(space, owners);
  }

  get report(): LeakReport {
    return { leaks: this.#leaks, exempted: this.#exempted, proper: this.#proper };
  }

  /**
   * Enters what has left since the last time; `when` says where in the test that was. Resolves to the packets
   * that left elsewhere and may, because of hands on our rules.
   */
  async settle(when: string): Promise<number> {
    const before = this.#exempted['hands on our rules'];
    for (const departure of await readDepartures(this.#space)) {
      const { source, iface, to, packets } = departure;
      const owner = this.#owners.get(source);
      const key = `${source} ${iface} ${to}`;
      const more = packets - (this.#seen.get(key) ?? 0);
      this.#seen.set(key, packets);
      if (owner === undefined || more === 0) continue;
      if (owner === iface) this.#proper[source] = (this.#proper[source] ?? 0) + more;
      else this.#enter(departure, more, when);
    }
    return this.#exempted['hands on our rules'] - before;
  }

  /** From here on, until `lift`. */
  async exempt(sources: readonly string[], why: Exemption, when: string): Promise<void> {
    await this.settle(when);
    for (const source of sources) this.#exempt.set(source, why);
  }

  async lift(sources: readonly string[], when: string): Promise<void> {
    await this.settle(when);
    for (const source of sources) this.#exempt.delete(source);
  }

  exemptionOf(source: string): Exemption | null {
    return this.#exempt.get(source) ?? null;
  }

  #enter({ source, iface, kind, to }: Departure, packets: number, when: string): void {
    const why = this.#exempt.get(source);
    const isExempt = why === 'hands on our rules' || (why === 'taken out' && STALE.has(kind));
    if (why !== undefined && isExempt) this.#exempted[why] += packets;
    else
      this.#leaks.push(
        `${packets} ${kind} (${to}) of ${source} by ${iface}${why ? ` though ${why}` : ''}, seen ${when}`,
      );
  }
}
