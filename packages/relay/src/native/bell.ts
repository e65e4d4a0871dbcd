const RUNG = 0;
const ASLEEP = 1;
const STOP = 2;
const HEARD = 3;
const WORDS = 4;

/**
 * How the main thread and the loop's tell each other that there is something to hear.
 *
 * Whoever rings has left its message before; a loop that is awake looks at a word in memory, and only one that sleeps
 * in the kernel has to be woken by a system call. Neither can miss the other: each writes its own word before it reads
 * the other's, and Atomics keep that order.
 */
export class Bell {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
  }

  /** By the main thread. True: the loop sleeps, and has to be woken as well. */
  ring(): boolean {
    Atomics.store(this.#words, RUNG, 1);
    return Atomics.exchange(this.#words, ASLEEP, 0) === 1;
  }

  /** By the main thread: the loop gives everything back and ends. Answers as `ring`. */
  ringForStop(): boolean {
    Atomics.store(this.#words, STOP, 1);
    return this.ring();
  }

  get isRung(): boolean {
    return Atomics.load(this.#words, RUNG) === 1;
  }

  get isStopped(): boolean {
    return Atomics.load(this.#words, STOP) === 1;
  }

  /** How many clients the loop has begun to hear, ever, as a 32-bit number that turns over. */
  get heard(): number {
    return Atomics.load(this.#words, HEARD);
  }

  /** By the loop: it begins to hear one more. */
  hears(): void {
    Atomics.add(this.#words, HEARD, 1);
  }

  /** By the loop, before it takes what was left for it. */
  answer(): void {
    Atomics.store(this.#words, RUNG, 0);
  }

  /** By the loop, before it sleeps. False: it must not. */
  mayDoze(): boolean {
    Atomics.store(this.#words, ASLEEP, 1);
    if (!this.isRung) return true;
    this.awake();
    return false;
  }

  awake(): void {
    Atomics.store(this.#words, ASLEEP, 0);
  }
}
