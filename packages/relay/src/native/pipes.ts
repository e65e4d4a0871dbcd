import { type Arena, PIPE_AT } from './arena.js';
import { PIPE_BYTES, PIPES_AT_MOST, PIPES_KEPT } from './native-limits.js';
import type { Sys } from './sys.js';

/** Where bytes lie on their way from one socket to another. */
export interface Pipe {
  readonly out: number;
  readonly into: number;
}

/** Pipes to splice through, given out for as long as bytes lie in them. */
export class Pipes {
  readonly #sys: Sys;
  readonly #arena: Arena;
  readonly #idle: Pipe[] = [];
  #lent = 0;

  constructor(sys: Sys, arena: Arena) {
    this.#sys = sys;
    this.#arena = arena;
  }

  /** Null: there are as many as there may be, or no descriptors for another. Whoever asked copies. */
  take(): Pipe | null {
    if (this.#lent >= PIPES_AT_MOST) return null;
    const pipe = this.#idle.pop() ?? this.#make();
    if (pipe !== null) this.#lent += 1;
    return pipe;
  }

  /** `isEmpty`: what is in the pipe of one that came to an untimely end must not reach another. */
  giveBack(pipe: Pipe, isEmpty: boolean): void {
    this.#lent -= 1;
    if (isEmpty && this.#idle.length < PIPES_KEPT) this.#idle.push(pipe);
    else this.#close(pipe);
  }

  /** Closes those that nobody uses. Answers with whether there were any. */
  release(): boolean {
    const idle = this.#idle.splice(0);
    for (const pipe of idle) this.#close(pipe);
    return idle.length > 0;
  }

  #make(): Pipe | null {
    if (this.#sys.pipe2(PIPE_AT) < 0) return null;
    const pipe = { out: this.#arena.int(PIPE_AT), into: this.#arena.int(PIPE_AT + 4) };
    // pipe(7): refused above `pipe-user-pages-soft`, for all but root. It then has what it has, which works as well.
    this.#sys.setPipeSize(pipe.into, PIPE_BYTES);
    return pipe;
  }

  #close({ out, into }: Pipe): void {
    this.#sys.close(out);
    this.#sys.close(into);
  }
}
