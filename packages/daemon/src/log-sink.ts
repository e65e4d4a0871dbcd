import type { Millis } from '@hurricane/core';

/** What is needed of a stream such as standard error. */
export interface TextStream {
  readonly writableLength: number;
  write(text: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'drain', listener: () => void): unknown;
  off(event: 'drain', listener: () => void): unknown;
}

/** Characters that wait for a reader who has stopped reading. More: lines are dropped, and counted. */
export const MAX_WAITING = 1_048_576;

/** Writes lines to a stream, whatever becomes of its reader: none, or one that has stopped, holds nothing up. */
export class LogSink {
  readonly #stream: TextStream;
  #deaf = false;
  #dropped = 0;

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
    if (this.#stream.writableLength > MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) this.#stream.write(`(${this.#dropped} lines were not read in time and are lost)\n`);
    this.#dropped = 0;
    this.#stream.write(`${line}\n`);
  }

  /** Resolves once everything has been taken, or after `limit`. */
  flush(limit: Millis): Promise<void> {
    if (this.#deaf || this.#stream.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(late);
        this.#stream.off('drain', settle);
        resolve();
      };
      const late = setTimeout(settle, limit);
      this.#stream.once('drain', settle);
    });
  }
}
