import { closeSync } from 'node:fs';
import { Arena } from './arena.js';
import { Descriptors } from './descriptors.js';
import { EMFILE, type Sys } from './sys.js';

/** Descriptors have numbers below this: what Linux allows a process unless told otherwise (`fs.nr_open`, proc(5)). */
const NUMBERS = 1_048_576;

/**
 * Which descriptors the loop has open, in memory that the main thread sees: a thread that dies leaves its descriptors
 * behind in the process.
 */
export class Ledger {
  readonly shared: SharedArrayBuffer;
  readonly #open: Uint8Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(NUMBERS)) {
    this.shared = shared;
    this.#open = new Uint8Array(shared);
  }

  /** The same calls, kept account of. */
  over(sys: Sys): Sys {
    const opened = (fd: number): number => {
      if (fd < 0) return fd;
      if (fd < this.#open.length) this.#open[fd] = 1;
      else sys.close(fd);
      return fd < this.#open.length ? fd : -EMFILE;
    };
    const { memory } = sys;
    const view = new DataView(memory.buffer, memory.byteOffset, memory.length);
    return {
      ...sys,
      socket: (family, type) => opened(sys.socket(family, type)),
      accept4: (fd, at, lengthAt) => opened(sys.accept4(fd, at, lengthAt)),
      epollCreate: () => opened(sys.epollCreate()),
      eventfd: () => opened(sys.eventfd()),
      pipe2: (at) => {
        const made = sys.pipe2(at);
        if (made < 0) return made;
        const ends = [opened(view.getInt32(at, true)), opened(view.getInt32(at + 4, true))];
        if (ends.every((fd) => fd >= 0)) return made;
        for (const fd of ends) if (fd >= 0) this.#close(sys, fd);
        return -EMFILE;
      },
      close: (fd) => this.#close(sys, fd),
    };
  }

  /** Closes all that is left. What is a connection is reset: nobody may take a part of a transfer for the whole. */
  async settle(load: () => Promise<Sys>): Promise<number> {
    const left: number[] = [];
    for (let fd = this.#open.indexOf(1); fd >= 0; fd = this.#open.indexOf(1, fd + 1)) left.push(fd);
    if (left.length === 0) return 0;
    const sys = await load().catch(() => null);
    const descriptors = sys === null ? null : new Descriptors(sys, new Arena(sys), -1);
    for (const fd of left) {
      this.#open[fd] = 0;
      if (descriptors === null) closeSync(fd);
      else descriptors.reset(fd);
    }
    return left.length;
  }

  #close(sys: Sys, fd: number): number {
    this.#open[fd] = 0;
    return sys.close(fd);
  }
}
