import { COPY_AT, COPY_BYTES } from './arena.js';
import { FULL_READS, PIPE_BYTES, ROUNDS_AT_ONCE, SMALL_MOVE_BYTES } from './native-limits.js';
import type { Pipe, Pipes } from './pipes.js';
import { EAGAIN, EINTR, EINVAL, ENOSYS, EPERM } from './sys.js';
import type { Unfinished, Wire, WireHome } from './wire.js';

/**
 * splice(2): EINVAL, this socket cannot be spliced, as with some that the kernel encrypts. seccomp(2): EPERM or ENOSYS,
 * this process may not. Its bytes can be copied all the same.
 */
const NOT_FOR_US: readonly number[] = [EINVAL, EPERM, ENOSYS];

/** What a direction needs of its pair. */
export interface DirectionHome {
  readonly loop: WireHome & { readonly pipes: Pipes };
  readonly isOver: boolean;
  /** One direction has passed its FIN on. */
  readonly isHalfShut: boolean;
  /** Bytes went either into this machine's hands or out of them. */
  moved(): void;
  failed(): void;
  /** The FIN has been passed on. */
  finished(): void;
}

/**
 * Carries what one end sends to the other: small exchanges by read and write, bulk by splice(2).
 *
 * What waits here is bounded by one pipe, or one buffer: it reads only once all of that has gone out.
 */
export class Direction implements Unfinished {
  readonly #from: Wire;
  readonly #to: Wire;
  readonly #home: DirectionHome;
  readonly #pending: Uint8Array[] = [];
  #pipe: Pipe | null = null;
  #inPipe = 0;
  #isBulk = false;
  #maySplice = true;
  #score = 0;
  /** Bytes read since there was something to read. */
  #burst = 0;
  #hasEnded = false;
  #isShut = false;
  #isQueued = false;
  #count = 0;

  constructor(from: Wire, to: Wire, home: DirectionHome) {
    this.#from = from;
    this.#to = to;
    this.#home = home;
  }

  /** The other side's FIN has been read. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** It has passed that FIN on. */
  get isShut(): boolean {
    return this.#isShut;
  }

  get isQueued(): boolean {
    return this.#isQueued;
  }

  /** There is something that the other end has not taken yet. */
  get isHeldUp(): boolean {
    return this.#pending.length > 0 || this.#inPipe > 0 || (this.#hasEnded && !this.#isShut);
  }

  /** Bytes that were read since the last call. */
  takeCount(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  /** Goes ahead of all that is read. `isOfFlow`: it was read from this end, before. */
  prepend(chunks: readonly Uint8Array[], isOfFlow: boolean): void {
    for (const chunk of chunks) {
      if (chunk.length > 0) this.#pending.push(chunk);
      if (isOfFlow) this.#count += chunk.length;
    }
  }

  /** Goes ahead of all that is read, and at once as far as there is room. */
  say(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#deliver();
  }

  resume(): void {
    this.#isQueued = false;
    this.pump(true);
  }

  /**
   * `toTheEnd`: a read that brings little is no sign that there is no more, for a FIN may follow. `hasFin`: one does,
   * and has been received.
   */
  pump(toTheEnd: boolean, hasFin = false): void {
    this.#burst = 0;
    for (let round = 0; round < ROUNDS_AT_ONCE; round += 1) {
      if (this.#home.isOver || this.#isShut || !this.#deliver()) return;
      if (this.#hasEnded) {
        this.#finish();
        return;
      }
      if (!(this.#isBulk ? this.#splice() : this.#copy(toTheEnd, hasFin))) return;
    }
    if (this.#isQueued || this.#home.isOver) return;
    this.#isQueued = true;
    this.#home.loop.again(this);
  }

  /** To be called once, when all is over: the pipe goes back. */
  close(): void {
    const pipe = this.#pipe;
    this.#pipe = null;
    if (pipe !== null) this.#home.loop.pipes.giveBack(pipe, this.#inPipe === 0);
  }

  /** Whether nothing waits any more. It tries until the kernel refuses: only then it tells when there is room again. */
  #deliver(): boolean {
    const { sys, arena } = this.#home.loop.descriptors;
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      const sent = sys.send(this.#to.fd, COPY_AT, arena.stage(first));
      if (sent === -EINTR) continue;
      if (sent < 0) return this.#refused(sent);
      this.#home.moved();
      if (sent < first.length) this.#pending[0] = first.subarray(sent);
      else this.#pending.shift();
    }
    while (this.#pipe !== null && this.#inPipe > 0) {
      const sent = sys.splice(this.#pipe.out, this.#to.fd, this.#inPipe);
      if (sent === -EINTR) continue;
      if (sent <= 0) return this.#refused(sent);
      this.#home.moved();
      this.#inPipe -= sent;
    }
    if (!this.#isBulk) this.close();
    return true;
  }

  /** Answers with whether it is worth going on. */
  #copy(toTheEnd: boolean, hasFin: boolean): boolean {
    const { sys, arena } = this.#home.loop.descriptors;
    const got = sys.recv(this.#from.fd, COPY_AT, COPY_BYTES);
    if (got <= 0) return this.#ended(got);
    this.#took(got);
    // All that came before a FIN was there when the FIN was: this was the end of it. The two leave as one packet, and
    // wake the other side once.
    this.#hasEnded = hasFin && got < COPY_BYTES;
    const sent = sys[this.#hasEnded ? 'sendMore' : 'send'](this.#to.fd, COPY_AT, got);
    if (sent < 0 && sent !== -EAGAIN && sent !== -EINTR) return this.#refused(sent);
    const left = Math.max(sent, 0);
    if (left < got) this.#pending.push(arena.copied(left, got));
    if (got < COPY_BYTES) {
      // What is left of a burst is short by chance, however long the burst is.
      if (this.#burst < COPY_BYTES) this.#score = 0;
      return this.#hasEnded || toTheEnd || left < got;
    }
    this.#score += 1;
    if (this.#score >= FULL_READS) this.#isBulk = this.#maySplice;
    return true;
  }

  #splice(): boolean {
    this.#pipe ??= this.#home.loop.pipes.take();
    if (this.#pipe === null) return this.#back(true);
    const got = this.#home.loop.descriptors.sys.splice(this.#from.fd, this.#pipe.into, PIPE_BYTES);
    if (NOT_FOR_US.includes(-got)) return this.#back(false);
    if (got === -EAGAIN) this.close();
    if (got <= 0) return this.#ended(got);
    this.#took(got);
    this.#inPipe = got;
    this.#score = got < SMALL_MOVE_BYTES ? this.#score - 1 : FULL_READS;
    if (this.#score < 0) this.#back(this.#maySplice);
    return true;
  }

  #back(maySplice: boolean): true {
    this.#maySplice = maySplice;
    this.#isBulk = false;
    this.#score = 0;
    return true;
  }

  #took(bytes: number): void {
    this.#count += bytes;
    this.#burst += bytes;
    this.#home.moved();
  }

  /** A read that brought nothing. */
  #ended(got: number): boolean {
    if (got === -EAGAIN) return false;
    if (got === 0) this.#hasEnded = true;
    else if (got !== -EINTR) this.#home.failed();
    return true;
  }

  #refused(sent: number): false {
    if (sent !== -EAGAIN) this.#home.failed();
    return false;
  }

  #finish(): void {
    const isLast = this.#home.isHalfShut;
    this.#isShut = true;
    this.close();
    // All has been read on both sides: close(2) sends this FIN, and no reset.
    if (isLast) {
      this.#home.finished();
      return;
    }
    // shutdown(2): ENOTCONN, a reset came before.
    if (this.#home.loop.descriptors.sys.shutdown(this.#to.fd) < 0) this.#home.failed();
    else this.#home.finished();
  }
}
