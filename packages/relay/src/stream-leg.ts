import type { Socket } from 'node:net';
import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { Endpoint, Leg, LegError } from './contracts.js';
import { LINGER_LIMIT } from './limits.js';
import type { Signal } from './signal.js';
import { legErrorOf, type SystemError } from './stream-errors.js';

/** A leg over a socket of Node's. It owns the socket: nobody else closes it. */
export class StreamLeg implements Leg {
  readonly socket: Socket;
  /** Bytes put back, in front of what the socket has. `Socket.unshift` refuses them once the FIN has been seen. */
  #putBack: Uint8Array[] = [];
  #fault: LegError | null = null;
  #local: Endpoint | null = null;
  #remote: Endpoint | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    // For as long as the socket lives: an error that nobody listens for ends the process.
    socket.on('error', (error: SystemError) => {
      this.#fault ??= legErrorOf(error);
    });
  }

  // Each is a system call, and of most legs one of them is never asked for.
  get local(): Endpoint {
    const { socket } = this;
    this.#local ??= endpointOf(socket.localAddress, socket.localPort);
    return this.#local;
  }

  get remote(): Endpoint {
    const { socket } = this;
    this.#remote ??= endpointOf(socket.remoteAddress, socket.remotePort);
    return this.#remote;
  }

  /** Why it came to its end, if that was not in order. */
  get fault(): LegError | null {
    return this.#fault;
  }

  /** Calls `then` once the descriptor has been given back. */
  whenClosed(then: () => void): void {
    if (this.socket.closed) queueMicrotask(then);
    else this.socket.once('close', then);
  }

  read(signal?: Signal): ResultAsync<Uint8Array | null, LegError> {
    const first = this.#putBack.shift();
    return first === undefined ? new ResultAsync(this.#next(signal)) : okAsync(first);
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#putBack.unshift(bytes);
  }

  /** Takes what was put back, for whoever reads the socket itself from here on. */
  takePutBack(): readonly Uint8Array[] {
    const taken = this.#putBack;
    this.#putBack = [];
    return taken;
  }

  write(bytes: Uint8Array): ResultAsync<void, LegError> {
    return new ResultAsync(
      new Promise((resolve) => {
        this.socket.write(bytes, (error) => resolve(error ? err(this.#fault ?? { kind: 'closed' }) : ok(undefined)));
      }),
    );
  }

  end(): void {
    const { socket } = this;
    if (socket.destroyed) return;
    socket.end();
    // Reading on until the other side's FIN: what is closed with unread bytes is reset by the kernel instead.
    socket.resume();
    const late = setTimeout(() => socket.destroy(), LINGER_LIMIT);
    late.unref();
    this.whenClosed(() => clearTimeout(late));
  }

  reset(): void {
    resetSocket(this.socket);
  }

  async #next(signal: Signal | undefined): Promise<Result<Uint8Array | null, LegError>> {
    for (;;) {
      if (this.#fault !== null) return err(this.#fault);
      if (this.socket.readableEnded) return ok(null);
      const chunk: Uint8Array | null = this.socket.read();
      if (chunk !== null) return ok(chunk);
      if (this.socket.destroyed) return err(this.#fault ?? { kind: 'closed' });
      if (signal?.aborted === true) return err({ kind: 'aborted' });
      await this.#stirred(signal);
    }
  }

  /** Resolves when there may be something new to read, or nothing ever again. */
  #stirred(signal: Signal | undefined): Promise<void> {
    const { socket } = this;
    const events = ['readable', 'end', 'close'] as const;
    return new Promise((resolve) => {
      const stir = (): void => {
        for (const event of events) socket.off(event, stir);
        signal?.removeEventListener('abort', stir);
        resolve();
      };
      for (const event of events) socket.on(event, stir);
      signal?.addEventListener('abort', stir);
    });
  }
}

/**
 * Sends a RST and gives the descriptor back.
 *
 * libuv refuses to reset while a FIN is about to be sent, and Node then keeps the descriptor for good. What is left
 * of that moment is one turn of the event loop, which is waited for.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  const finIsUnderWay = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (finIsUnderWay) socket.once('finish', () => resetSocket(socket));
  else socket.resetAndDestroy();
}

/** An IPv4 client of a socket for both families is not told as IPv4-mapped. */
function endpointOf(address: string | undefined, port: number | undefined): Endpoint {
  return { address: (address ?? '').replace(/^::ffff:(?=\d+\.)/, ''), port: port ?? 0 };
}
