import type { Reply } from './codec.js';

/** Why a datagram went nowhere. */
export type DatagramDrop =
  /** It did not come from the client of the association. */
  | 'stranger'
  /** Not as RFC 1928 section 7 has it, or a fragment. */
  | 'malformed'
  | 'fragmented'
  | 'denied'
  /** A name that leads nowhere, or too many at a time. */
  | 'unresolved'
  /** No tunnel, or no IPv4 by configuration. */
  | 'no_way'
  /** Too large, or the system took no more. */
  | 'unsendable';

export interface Socks5Counts {
  /** Clients that connected. */
  readonly clients: number;
  /** Turned away at the door: by the list of clients, or for want of room. */
  readonly refused: { readonly not_allowed: number; readonly too_many: number };
  /** Handshakes that came to nothing, by the kind of their end. */
  readonly failed: Readonly<Record<string, number>>;
  /** Replies to requests. */
  readonly replies: Readonly<Partial<Record<Reply, number>>>;
  readonly datagramsDropped: Readonly<Partial<Record<DatagramDrop, number>>>;
  /** Being served at this moment, without those whose bytes an engine carries. */
  readonly opening: number;
  /** UDP associations at this moment. */
  readonly associations: number;
}

/** What has happened since the start. The keys are all our own: nothing that a client writes becomes one. */
export class Counters {
  clients = 0;
  associations = 0;
  readonly #refused = { not_allowed: 0, too_many: 0 };
  readonly #failed: Record<string, number> = {};
  readonly #replies: Partial<Record<Reply, number>> = {};
  readonly #dropped: Partial<Record<DatagramDrop, number>> = {};

  refused(why: 'not_allowed' | 'too_many'): void {
    this.#refused[why] += 1;
  }

  failed(kind: string): void {
    this.#failed[kind] = (this.#failed[kind] ?? 0) + 1;
  }

  replied(reply: Reply): void {
    this.#replies[reply] = (this.#replies[reply] ?? 0) + 1;
  }

  dropped(why: DatagramDrop, count: number): void {
    this.#dropped[why] = (this.#dropped[why] ?? 0) + count;
  }

  counts(opening: number): Socks5Counts {
    return {
      clients: this.clients,
      refused: { ...this.#refused },
      failed: { ...this.#failed },
      replies: { ...this.#replies },
      datagramsDropped: { ...this.#dropped },
      opening,
      associations: this.associations,
    };
  }
}
