import type { Endpoint } from '../../contracts.js';
import type { Family } from '../../names/resolver.js';
import { type OnDatagram, openUdp, type UdpPort } from './port.js';

/** Datagrams that wait while the socket is opened, which takes a turn of the event loop. */
const WAITING_AT_MOST = 64;

/**
 * The one socket of an association and a family. All destinations see the same port (RFC 4787 REQ-1), and whoever
 * answers to it is heard (REQ-8, endpoint-independent filtering), which peer-to-peer programs build on.
 *
 * Opened with the first datagram, and again with the next one after `close`.
 */
export class Outlet {
  readonly #family: Family;
  readonly #onDatagram: OnDatagram;
  #port: UdpPort | null = null;
  /** Not null while a socket is being opened. */
  #waiting: (readonly [payload: Uint8Array, to: Endpoint])[] | null = null;
  #turn = 0;

  constructor(family: Family, onDatagram: OnDatagram) {
    this.#family = family;
    this.#onDatagram = onDatagram;
  }

  /** Whether it was taken. `source`: the address to leave from; null: the system's choice. */
  send(payload: Uint8Array, to: Endpoint, source: string | null): boolean {
    if (this.#port !== null) return this.#port.send(payload, to);
    if (this.#waiting === null) {
      this.#waiting = [];
      void this.#open(source, this.#turn);
    }
    if (this.#waiting.length >= WAITING_AT_MOST) return false;
    this.#waiting.push([payload, to]);
    return true;
  }

  close(): void {
    this.#turn += 1;
    this.#port?.close();
    this.#port = null;
    this.#waiting = null;
  }

  async #open(source: string | null, turn: number): Promise<void> {
    const opened = await openUdp(this.#family, source, this.#onDatagram);
    const port = opened.unwrapOr(null);
    // Closed meanwhile, and perhaps being opened again by somebody else.
    if (turn !== this.#turn) return port?.close();
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.#port = port;
    for (const [payload, to] of waiting) port?.send(payload, to);
  }
}
