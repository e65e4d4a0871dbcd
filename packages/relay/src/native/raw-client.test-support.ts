import type { Endpoint } from '../contracts.js';
import { ADDRESS_AT, COPY_AT, COPY_BYTES } from './arena.js';
import { familyOf, socketAddressOf } from './socket-address.js';
import { EAGAIN, EINPROGRESS, SOCK_STREAM, type Sys } from './sys.js';

const ENOTCONN = 107;

/** What was read to the end, and which that was: 0 for a FIN, else the errno. */
export interface Heard {
  readonly bytes: Buffer;
  readonly end: number;
}

/**
 * A client that asks the kernel itself: libuv tells a reset that comes soon after bytes as an end (`uv__stream_io`).
 * It asks again whenever Node's loop has turned.
 */
export class RawClient {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #heard: Buffer[] = [];
  #got = 0;
  #fault = 0;

  private constructor(sys: Sys, fd: number) {
    this.#sys = sys;
    this.#fd = fd;
  }

  static connect(sys: Sys, to: Endpoint): RawClient {
    const address = socketAddressOf(to) ?? new Uint8Array();
    const fd = sys.socket(familyOf(address), SOCK_STREAM);
    sys.memory.set(address, ADDRESS_AT);
    const begun = sys.connect(fd, ADDRESS_AT, address.length);
    if (begun < 0 && begun !== -EINPROGRESS) throw new Error(`connect: errno ${-begun}`);
    return new RawClient(sys, fd);
  }

  async readsAtLeast(bytes: number): Promise<void> {
    while (this.#got < bytes) if ((await this.#read()) !== null) throw new Error('it ended too soon');
  }

  /** Gives up where the other side has reset; that is heard by reading. */
  async writes(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + COPY_BYTES);
      this.#sys.memory.set(part, COPY_AT);
      const sent = this.#sys.send(this.#fd, COPY_AT, part.length);
      if (sent === -EAGAIN || sent === -ENOTCONN) await turn();
      else if (sent < 0) {
        // The kernel tells an error once, and an end from then on.
        this.#fault = -sent;
        return;
      }
      done += Math.max(sent, 0);
    }
  }

  ends(): void {
    this.#sys.shutdown(this.#fd);
  }

  /** So many bytes, which `reads` does not answer with any more. Null: it ended before that, and is closed. */
  async hears(bytes: number): Promise<Buffer | null> {
    while (this.#got < bytes)
      if ((await this.#read()) !== null) {
        this.#sys.close(this.#fd);
        return null;
      }
    const all = Buffer.concat(this.#heard);
    this.#heard.splice(0, this.#heard.length, all.subarray(bytes));
    this.#got -= bytes;
    return all.subarray(0, bytes);
  }

  /** Reads to the end, and is closed. */
  async reads(onFirst: () => void = () => {}): Promise<Heard> {
    for (let isFirst = true; ; ) {
      const end = await this.#read();
      if (isFirst && this.#got > 0) {
        onFirst();
        isFirst = false;
      }
      if (end === null) continue;
      this.#sys.close(this.#fd);
      return { bytes: Buffer.concat(this.#heard), end };
    }
  }

  /** Null: there may be more. */
  async #read(): Promise<number | null> {
    const got = this.#sys.recv(this.#fd, COPY_AT, COPY_BYTES);
    if (got === -EAGAIN || got === -ENOTCONN) await turn();
    else if (got <= 0) return got < 0 ? -got : this.#fault;
    if (got > 0) this.#heard.push(Buffer.from(this.#sys.memory.slice(COPY_AT, COPY_AT + got)));
    this.#got += Math.max(got, 0);
    return null;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
