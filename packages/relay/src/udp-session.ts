import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Admitted, FlowEnd } from './contracts.js';
import { UDP_BACKLOG_BYTES, UDP_WAITING_AT_MOST } from './limits.js';
import type { SystemError } from './stream-errors.js';

export interface UdpSessionOptions extends Admitted {
  /** Sends a datagram back to the peer. */
  readonly reply: (bytes: Uint8Array) => void;
  /** Called once, when the socket has been closed. `fault`: it never came to be; null: it did. */
  readonly over: (fault: SystemError | null) => void;
  /** A datagram was not passed on. */
  readonly lost: () => void;
}

/** One peer's datagrams, with a socket of its own, so that the program on the other side can tell peers apart. */
export class UdpSession {
  readonly #options: UdpSessionOptions;
  readonly #socket: Socket;
  #waiting: Uint8Array[] | null = [];
  #over = false;
  /** When a datagram last went either way, as `performance.now` tells it. */
  usedAt: number = performance.now();

  constructor(options: UdpSessionOptions) {
    this.#options = options;
    const { to, source } = options;
    const { signal } = options.flow;
    this.#socket = createSocket({ type: isIPv6(to.address) ? 'udp6' : 'udp4' });
    this.#socket.on('message', (bytes) => this.#receive(bytes));
    // Once connected, an error is one datagram's, such as ECONNREFUSED: the program may be there again for the next.
    this.#socket.on('error', (error: SystemError) => {
      if (this.#waiting === null) options.lost();
      else this.close('reset', error);
    });
    signal.addEventListener('abort', () => this.close(signal.reason as FlowEnd), { once: true });
    if (source === null) this.#connect();
    else this.#socket.bind({ address: source, port: 0, exclusive: true }, () => this.#connect());
  }

  send(bytes: Uint8Array): void {
    this.usedAt = performance.now();
    if (this.#waiting !== null) {
      if (this.#waiting.length < UDP_WAITING_AT_MOST) this.#waiting.push(bytes);
      else this.#options.lost();
      return;
    }
    if (this.#over) return;
    if (this.#socket.getSendQueueSize() > UDP_BACKLOG_BYTES) {
      this.#options.lost();
      return;
    }
    this.#socket.send(bytes);
    this.#options.flow.count(bytes.length, 0);
  }

  close(end: FlowEnd, fault: SystemError | null = null): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting = null;
    this.#socket.close();
    this.#options.flow.closed(end);
    this.#options.over(fault);
  }

  #connect(): void {
    if (this.#over) return;
    const { address, port } = this.#options.to;
    this.#socket.connect(port, address, () => {
      const waiting = this.#waiting ?? [];
      this.#waiting = null;
      for (const bytes of waiting) this.send(bytes);
    });
  }

  #receive(bytes: Uint8Array): void {
    this.usedAt = performance.now();
    this.#options.flow.count(0, bytes.length);
    this.#options.reply(bytes);
  }
}
