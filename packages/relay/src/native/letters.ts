import { UDP_WAITING_AT_MOST } from '../limits.js';
import { LETTERS_AT_MOST, LETTERS_BYTES_AT_MOST } from './native-limits.js';

/** Datagrams with one header, of which one is being judged: the others wait, so that they stay in order. */
export interface Line {
  readonly key: string;
  /** Of the one who sends them, as the kernel has it. */
  readonly from: Uint8Array;
  readonly waiting: Uint8Array[];
}

interface Unread {
  readonly size: number;
  /** Null: nothing waits for it. */
  readonly line: Line | null;
}

/** Bytes that all exchanges together may hold. */
export interface Budget {
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
}

/** Datagrams of one exchange that the main thread has yet to judge, and those that wait for them, within bounds. */
export class Letters {
  readonly #budget: Budget;
  readonly #unread = new Map<number, Unread>();
  readonly #lines = new Map<string, Line>();
  #last = 0;
  #count = 0;
  #bytes = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  lineOf(key: string): Line | undefined {
    return this.#lines.get(key);
  }

  /** Whether there is room for it behind the others. */
  wait(line: Line, bytes: Uint8Array): boolean {
    if (line.waiting.length >= UDP_WAITING_AT_MOST || !this.#take(bytes.length)) return false;
    line.waiting.push(bytes);
    return true;
  }

  /** Its number, by which it is told; null: there is no room for it. `key`: others with the same wait for it. */
  hand(size: number, key: string | null, from: Uint8Array): number | null {
    if (!this.#take(size)) return null;
    const line = key === null ? null : { key, from, waiting: [] };
    if (line !== null) this.#lines.set(line.key, line);
    return this.#keep({ size, line });
  }

  /** The next of a line, which has been taken into account already. */
  handNext(line: Line, bytes: Uint8Array): number {
    return this.#keep({ size: bytes.length, line });
  }

  /** It has been judged. Answers with who waits for that. */
  read(letter: number): Line | null {
    const unread = this.#unread.get(letter);
    if (unread === undefined) return null;
    this.#unread.delete(letter);
    this.#giveBack(1, unread.size);
    return unread.line;
  }

  /** Nobody waits in it from here on. What was taken out of it before has been taken into account by then. */
  end(line: Line): void {
    this.#lines.delete(line.key);
    for (const { length } of line.waiting.splice(0)) this.#giveBack(1, length);
  }

  clear(): void {
    this.#unread.clear();
    this.#lines.clear();
    this.#giveBack(this.#count, this.#bytes);
  }

  #keep(unread: Unread): number {
    this.#last += 1;
    this.#unread.set(this.#last, unread);
    return this.#last;
  }

  #take(bytes: number): boolean {
    const isFull = this.#count >= LETTERS_AT_MOST || this.#bytes + bytes > LETTERS_BYTES_AT_MOST;
    if (isFull || !this.#budget.take(bytes)) return false;
    this.#count += 1;
    this.#bytes += bytes;
    return true;
  }

  #giveBack(count: number, bytes: number): void {
    this.#count -= count;
    this.#bytes -= bytes;
    this.#budget.giveBack(bytes);
  }
}
