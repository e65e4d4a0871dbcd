import type { Socket } from 'node:net';
import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { Endpoint, Leg, LegError } from './contracts.js';
import { LINGER_LIMIT } from './limits.js';
import type { Signal } from './signal.js';
import { legErrorOf, type SystemError } from './stream-errors.js';
import type { Intake } from './stream-intake.js';

type Bytes = Result<Uint8Array | null, LegError>;

/** A read that has not been answered. Answers once. */
type Waiting = (answer: Bytes) => void;

/**
 * A leg over a socket of Node's. It owns the socket: nobody else closes it.
 *
 * The socket has the same few listeners from its first read to its end, whoever reads: taking them off and putting
 * others on for each read, and for `pipe` in the end, takes longer than the reading.
 */
export class StreamLeg implements Leg {
  readonly socket: Socket;
  /** Bytes put back or not asked for yet, in front of what the socket has: one chunk of those, then it is paused. */
  #inbox: Uint8Array[] = [];
  #waiting: Waiting[] = [];
  #to: StreamLeg | null = null;
  #passed = 0;
  #isHeldUp = false;
  #state: 'quiet' | 'listening' | 'ending' = 'quiet';
  #hearsDrain = false;
  #fault: LegError | null = null;
  #local: Endpoint | null = null;
  #remote: Endpoint | null = null;
  #whenClosed: (() => void)[] = [];
  readonly #intake: Intake | null;

  /** @param intake what the socket reads with; left out: as Node does. */
  constructor(socket: Socket, intake: Intake | null = null) {
    this.socket = socket;
    this.#intake = intake;
    intake?.flowsTo((bytes, isLent) => this.#arrived(bytes, isLent));
    // For as long as the socket lives: an error that nobody listens for ends the process.
    socket.on('error', (error: SystemError) => {
      this.#fault ??= legErrorOf(error);
    });
    socket.on('close', () => this.#closed());
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

  /** The other side's FIN has been read, or nothing will ever be again. */
  get hasEnded(): boolean {
    return this.socket.readableEnded || this.socket.destroyed;
  }

  /** Calls `then` once the descriptor has been given back. */
  whenClosed(then: () => void): void {
    if (this.socket.closed) queueMicrotask(then);
    else this.#whenClosed.push(then);
  }

  read(signal?: Signal): ResultAsync<Uint8Array | null, LegError> {
    const first = this.#inbox.shift();
    if (first !== undefined) return okAsync(first);
    if (this.#fault !== null) return errAsync(this.#fault);
    if (this.socket.readableEnded) return okAsync(null);
    if (this.socket.destroyed) return errAsync({ kind: 'closed' });
    if (signal?.aborted === true) return errAsync({ kind: 'aborted' });
    return new ResultAsync(new Promise((resolve) => this.#await(resolve, signal)));
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#inbox.unshift(bytes);
  }

  /** What was written went to the kernel at once in most cases; else it is the socket that says when. */
  write(bytes: Uint8Array): ResultAsync<void, LegError> {
    const { socket } = this;
    return new ResultAsync(
      new Promise((resolve) => {
        socket.write(bytes, (error) => resolve(error ? err(this.#fault ?? { kind: 'closed' }) : ok(undefined)));
        if (socket.writableLength === 0 && !socket.destroyed) resolve(ok(undefined));
      }),
    );
  }

  /** Passes on what it has and all that comes, and its FIN, to `to`. It stops reading while `to` takes nothing. */
  passTo(to: StreamLeg): void {
    this.#to = to;
    const first = this.#inbox;
    this.#inbox = [];
    for (const bytes of first) this.#pass(bytes, to, false);
    // It has told of its end by itself, though nobody had listened, when that was all there was to be read.
    if (this.socket.readableEnded) to.socket.end();
    this.#listen();
  }

  /** Bytes passed on since the last call. */
  takePassed(): number {
    const passed = this.#passed;
    this.#passed = 0;
    return passed;
  }

  end(): void {
    const { socket } = this;
    if (socket.destroyed) return;
    this.#state = 'ending';
    this.#inbox = [];
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

  #await(resolve: Waiting, signal: Signal | undefined): void {
    if (signal === undefined) this.#waiting.push(resolve);
    else {
      const answer: Waiting = (bytes) => {
        signal.removeEventListener('abort', abort);
        resolve(bytes);
      };
      const abort = (): void => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== answer);
        resolve(err({ kind: 'aborted' }));
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(answer);
    }
    this.#listen();
  }

  #listen(): void {
    const { socket } = this;
    if (this.#state === 'quiet') {
      this.#state = 'listening';
      socket.on('end', () => this.#ended());
      if (this.#intake === null) socket.on('data', (bytes: Uint8Array) => this.#arrived(bytes, false));
    }
    if (this.#state === 'listening' && socket.isPaused() && !this.#isHeldUp) socket.resume();
  }

  #arrived(bytes: Uint8Array, isLent: boolean): void {
    if (this.#state === 'ending') return;
    if (this.#to !== null) {
      this.#pass(bytes, this.#to, isLent);
      return;
    }
    const kept = isLent ? Buffer.from(bytes) : bytes;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting(ok(kept));
      return;
    }
    this.#inbox.push(kept);
    this.socket.pause();
  }

  #pass(bytes: Uint8Array, { socket: to }: StreamLeg, isLent: boolean): void {
    this.#passed += bytes.length;
    const hasRoom = to.write(bytes);
    // A chunk larger than the socket's own bound counts as too much for it even when the kernel has taken it at once.
    if (to.writableLength === 0 || (hasRoom && !isLent)) return;
    this.#isHeldUp = true;
    this.socket.pause();
    if (this.#hearsDrain) return;
    this.#hearsDrain = true;
    to.on('drain', () => {
      if (!this.#isHeldUp) return;
      this.#isHeldUp = false;
      this.socket.resume();
    });
  }

  #ended(): void {
    if (this.#to !== null) this.#to.socket.end();
    this.#answerAll(ok(null));
  }

  #closed(): void {
    this.#intake?.close(!this.#isHeldUp);
    this.#answerAll(err(this.#fault ?? { kind: 'closed' }));
    for (const then of this.#whenClosed.splice(0)) then();
  }

  #answerAll(answer: Bytes): void {
    for (const waiting of this.#waiting.splice(0)) waiting(answer);
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
function endpointOf(address = '', port = 0): Endpoint {
  return { address: address.startsWith('::ffff:') ? address.replace(/^::ffff:(?=\d+\.)/, '') : address, port };
}
