import type { Millis } from '@hurricane/core';

/** What is needed of a stream such as standard error. */
export interface TextStream {
  readonly writableLength: number;
  /** `done`: it has been taken, and all that was written before it. */
  write(text: string, done?: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Characters that wait for a reader who has stopped reading. More: lines are dropped, and counted. */
export const MAX_WAITING = 1_048_576;

/** Writes lines to a stream, whatever becomes of its reader: none, or one that has stopped, holds nothing up. */
export class LogSink {
  readonly #stream: TextStream;
  #deaf = false;
  #lost = 0;

  constructor(stream: TextStream) {
    this.#stream = stream;
    // EPIPE and the like: there is nobody left to tell, and the tunnels matter more.
    stream.on('error', () => {
      this.#deaf = true;
    });
  }

  /** @param line without its end. */
  write(line: string): void {
    if (this.#deaf) return;
    if (this.isFull) this.#lost += 1;
    else this.#stream.write(`${line}\n`);
  }

  get isFull(): boolean {
    return this.#stream.writableLength > MAX_WAITING;
  }

  /** How many lines were dropped since this was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Resolves once everything has been taken, or after `limit`. */
  flush(limit: Millis): Promise<void> {
    if (this.#deaf || this.#stream.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(resolve, limit);
      this.#stream.write('', () => {
        clearTimeout(late);
        resolve();
      });
    });
  }
}
