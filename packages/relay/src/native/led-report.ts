import { SOCKET_ADDRESS_BYTES } from './arena.js';
import { LED_IN_ONE_MESSAGE, TELL_AFTER } from './native-limits.js';
import { type FailedCall, type LedNews, PAIR_ENDS, type PairEnd } from './protocol.js';

/**
 * What became of connections that were led on, until the main thread is told: many of them in one message, for a
 * message costs more than a connection.
 */
export class LedReport {
  readonly #begun = new Float64Array(2 * LED_IN_ONE_MESSAGE);
  readonly #clients = new Uint8Array(SOCKET_ADDRESS_BYTES * LED_IN_ONE_MESSAGE);
  #count = 0;
  #joined: number[] = [];
  #failed: number[] = [];
  #over: number[] = [];
  #toldAt = Number.NEGATIVE_INFINITY;

  /** When it has to be told; infinity: there is nothing to tell. */
  get dueAt(): number {
    return this.#isEmpty ? Number.POSITIVE_INFINITY : this.#toldAt + TELL_AFTER;
  }

  /** No more fits in: it is to be told at once. */
  get isFull(): boolean {
    return this.#count >= LED_IN_ONE_MESSAGE;
  }

  /** Its client's address is what the kernel wrote to `memory` at `at`; what is behind a short one means nothing. */
  begun(flow: number, era: number, memory: Uint8Array, at: number): void {
    this.#begun[2 * this.#count] = flow;
    this.#begun[2 * this.#count + 1] = era;
    const to = SOCKET_ADDRESS_BYTES * this.#count;
    for (let i = 0; i < SOCKET_ADDRESS_BYTES; i += 1) this.#clients[to + i] = memory[at + i] ?? 0;
    this.#count += 1;
  }

  joined(flow: number): void {
    this.#joined.push(flow);
  }

  failed(flow: number, call: FailedCall, errno: number): void {
    this.#failed.push(flow, call === 'bind' ? 1 : 0, errno);
  }

  over(flow: number, end: PairEnd, sent: number, received: number): void {
    this.#over.push(flow, PAIR_ENDS.indexOf(end), sent, received);
  }

  /** All there is to tell at `now`; null: nothing. */
  take(now: number): LedNews | null {
    if (this.#isEmpty) return null;
    const news: LedNews = {
      kind: 'led',
      begun: this.#begun.slice(0, 2 * this.#count),
      clients: this.#clients.slice(0, SOCKET_ADDRESS_BYTES * this.#count),
      joined: new Float64Array(this.#joined),
      failed: new Float64Array(this.#failed),
      over: new Float64Array(this.#over),
    };
    this.#count = 0;
    this.#joined = [];
    this.#failed = [];
    this.#over = [];
    this.#toldAt = now;
    return news;
  }

  get #isEmpty(): boolean {
    return this.#count + this.#joined.length === 0 && this.#over.length === 0 && this.#failed.length === 0;
  }
}
