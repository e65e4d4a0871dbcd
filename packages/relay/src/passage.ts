import type { Logger } from '@hurricane/core';
import type { ConnectError, DatagramEngine, Endpoint, Engine, FlowFacts, FlowsAfter } from './contracts.js';
import type { Nonces } from './nonces.js';

/** Where what arrives at a mapping goes from there. */
export interface Onward {
  readonly to: Endpoint;
  /** The address to leave from; null: the system's choice. */
  readonly source: string | null;
  /** The tunnel it arrives or leaves by. */
  readonly tunnel: string | null;
}

/** One mapping, as its sockets see it. */
export interface Passage {
  /** For people: `mapping tcp 7654`. */
  readonly origin: string;
  /** Asked for each new client. Null: nowhere at this moment. */
  onward(at: Endpoint): Onward | null;
  /** Called whenever `onward` may answer otherwise than before. Returns what ends it. */
  onChange(listener: () => void): () => void;
  readonly proxyProtocol: boolean;
}

/** What all mappings share. */
export interface PassageDeps {
  readonly engine: Engine & DatagramEngine;
  readonly flows: FlowsAfter;
  readonly nonces: Nonces;
  readonly faults: Faults;
  readonly log: Logger;
}

/** Why a client could not be taken on. */
export type FaultKind = ConnectError['kind'] | 'no_way' | 'dropped';

/** Counts what went wrong, by kind: the log has each for debugging only. */
export class Faults {
  readonly #counts = new Map<string, number>();

  count(protocol: FlowFacts['kind'], kind: FaultKind, times = 1): void {
    const key = `${protocol} ${kind}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + times);
  }

  list(): readonly { readonly kind: FlowFacts['kind']; readonly reason: string; readonly count: number }[] {
    return [...this.#counts].map(([key, count]) => {
      const [kind, reason = ''] = key.split(' ');
      return { kind: kind === 'udp' ? 'udp' : 'tcp', reason, count };
    });
  }
}
