import { SHORTAGE_REST, SHORTAGE_REST_AT_MOST } from './limits.js';

/** A listener that can stop taking connections for a while. */
export interface Resting {
  rest(): void;
  /** Resolves to whether it takes connections again. */
  resume(): Promise<boolean>;
}

/**
 * Lets every listener of an engine rest when the process has run out of descriptors.
 *
 * They come back by themselves: a flow that ends meanwhile frees two descriptors. Each rest that follows closely on the
 * one before is twice as long.
 */
export class Shortage {
  readonly #listeners = new Set<Resting>();
  #pause = SHORTAGE_REST;
  #timer: NodeJS.Timeout | null = null;
  #count = 0;

  /** How often it was met with. */
  get count(): number {
    return this.#count;
  }

  /** Returns what takes it out again. */
  join(listener: Resting): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A system call has failed for want of descriptors or of memory. */
  met(): void {
    if (this.#timer !== null) return;
    this.#count += 1;
    for (const listener of this.#listeners) listener.rest();
    this.#wait();
  }

  #wait(): void {
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, SHORTAGE_REST_AT_MOST);
    this.#timer = setTimeout(() => void this.#resume(), pause);
    this.#timer.unref();
  }

  async #resume(): Promise<void> {
    const back = await Promise.all([...this.#listeners].map((listener) => listener.resume()));
    this.#timer = null;
    if (back.includes(false)) {
      this.#wait();
      return;
    }
    const pause = this.#pause;
    const calm = setTimeout(() => {
      if (this.#timer === null && this.#pause === pause) this.#pause = SHORTAGE_REST;
    }, pause);
    calm.unref();
  }
}
