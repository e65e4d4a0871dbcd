import { EVENTS_AT, EVENTS_AT_ONCE } from './arena.js';
import type { LoopOutside } from './loop-outside.js';
import type { Sys } from './sys.js';

/**
 * How a loop waits until something is ready: it sleeps in the kernel, and where latency counts more than processor
 * time it polls for a moment before it does.
 *
 * As SO_BUSY_POLL and `net.core.busy_poll` have it (socket(7)), but of every connection, whatever device it comes by:
 * a thread that sleeps is there again only once the kernel has woken its processor and switched to it.
 */
export class Rest {
  readonly #sys: Sys;
  readonly #outside: LoopOutside;
  readonly #epoll: number;
  #pollsUntil = Number.NEGATIVE_INFINITY;

  constructor(sys: Sys, epoll: number, outside: LoopOutside) {
    this.#sys = sys;
    this.#epoll = epoll;
    this.#outside = outside;
  }

  /** A connection had something to be done at `now`: the next such thing may be close behind. */
  stirred(now: number): void {
    this.#pollsUntil = now + this.#outside.pollFor;
  }

  /** As epoll_wait(2), for `sleep` ms at most; 0: it only looks. What is asked ends it as well. */
  wait(sleep: number): number {
    const polled = sleep > 0 && this.#outside.pollFor > 0 ? this.#poll() : 0;
    if (polled !== 0) return polled;
    const dozes = sleep > 0 && this.#outside.mayDoze();
    const count = this.#look(dozes ? sleep : 0);
    this.#outside.awake();
    return count;
  }

  /** As epoll_wait(2) without a wait, again and again. 0: its time is over, or something is asked. */
  #poll(): number {
    while (performance.now() < this.#pollsUntil && !this.#outside.isAsked()) {
      const count = this.#look(0);
      if (count !== 0) return count;
    }
    return 0;
  }

  #look(timeout: number): number {
    return this.#sys.epollWait(this.#epoll, EVENTS_AT, EVENTS_AT_ONCE, timeout);
  }
}
