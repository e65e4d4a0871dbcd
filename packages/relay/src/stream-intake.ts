import type { OnReadOpts } from 'node:net';
import { LENT_AT_LEAST, STREAM_BUFFER_BYTES, STREAM_BUFFERS_AT_MOST, STREAM_BUFFERS_SPARE } from './limits.js';

/** Takes what was read. By its return what is lent is in the kernel's hands, or reading is paused until it is. */
type Take = (bytes: Uint8Array, isLent: boolean) => void;

/** Reads in a row that brought less than what is worth lending, before the buffer is given back. */
const SMALL_READS = 8;

/** Whoever has no buffer of its own reads into this one: what it brought is copied before the next one reads. */
const COMMON: Uint8Array = new Uint8Array(65_536);

/** Buffers of connections that carry much, and those that wait for the next one. */
export class Buffers {
  readonly #spare: Uint8Array[] = [];
  #lent = 0;

  /** Null: so many are lent already. */
  take(): Uint8Array | null {
    if (this.#lent >= STREAM_BUFFERS_AT_MOST) return null;
    this.#lent += 1;
    return this.#spare.pop() ?? new Uint8Array(STREAM_BUFFER_BYTES);
  }

  /** `isFree`: nothing that was written still refers to it. */
  giveBack(buffer: Uint8Array, isFree: boolean): void {
    this.#lent -= 1;
    if (isFree && this.#spare.length < STREAM_BUFFERS_SPARE) this.#spare.push(buffer);
  }
}

const shared = new Buffers();

/**
 * What a connection outwards reads with, in place of Node's own way of a new buffer of 64 KiB for each read.
 *
 * Small reads come through one buffer that all share, and are copied. One that fills it gets a larger one for the
 * connection alone, of which nothing is copied: bytes go from there to the kernel, and then it is read into again.
 * Node offers this for connections that it makes, and not for those that it accepts (net.html, `onread`).
 */
export class Intake {
  readonly options: OnReadOpts = {
    buffer: () => this.#own ?? COMMON,
    callback: (count, buffer) => this.#took(count, buffer),
  };
  readonly #buffers: Buffers;
  #own: Uint8Array | null = null;
  #small = 0;
  #take: Take | null = null;
  #isClosed = false;

  /** @param buffers left out: those that all connections of the process share. */
  constructor(buffers: Buffers = shared) {
    this.#buffers = buffers;
  }

  /** From here on: what is read goes to `take`. */
  flowsTo(take: Take): void {
    this.#take = take;
  }

  /** Nothing is read any more. `isFree`: nor does anything that was written wait. */
  close(isFree: boolean): void {
    this.#isClosed = true;
    this.#release(isFree);
  }

  #took(count: number, buffer: Uint8Array): boolean {
    const bytes = buffer.subarray(0, count);
    const isLent = buffer === this.#own && count >= LENT_AT_LEAST;
    this.#take?.(isLent ? bytes : Buffer.from(bytes), isLent);
    this.#choose(count, buffer);
    return true;
  }

  /** Which buffer is next. What was lent and still waits is read into only when it has gone. */
  #choose(count: number, buffer: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#own === null) {
      if (count === buffer.length) this.#own = this.#buffers.take();
      this.#small = 0;
      return;
    }
    this.#small = count < LENT_AT_LEAST ? this.#small + 1 : 0;
    if (this.#small >= SMALL_READS) this.#release(true);
  }

  #release(isFree: boolean): void {
    if (this.#own !== null) this.#buffers.giveBack(this.#own, isFree);
    this.#own = null;
  }
}
