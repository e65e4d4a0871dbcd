import type { Flow, FlowEnd } from './contracts.js';
import { HALF_CLOSED_IDLE_LIMIT, IDLE_LIMIT, SWEEP_INTERVAL } from './limits.js';
import type { StreamLeg } from './stream-leg.js';

/** After how long without a byte a flow ends. `IDLE_LIMIT` and `HALF_CLOSED_IDLE_LIMIT` unless a test is in a hurry. */
export interface IdleLimits {
  readonly idle: number;
  readonly halfClosed: number;
  /** Between two looks. */
  readonly sweep: number;
}

export const IDLE_LIMITS: IdleLimits = { idle: IDLE_LIMIT, halfClosed: HALF_CLOSED_IDLE_LIMIT, sweep: SWEEP_INTERVAL };

/** Joins pairs of sockets, and looks after all of them with one timer. */
export class Joiner {
  readonly #limits: IdleLimits;
  readonly #pairs = new Set<Pair>();
  #timer: NodeJS.Timeout | null = null;

  constructor(limits: IdleLimits = IDLE_LIMITS) {
    this.#limits = limits;
  }

  /** Resolves, to how it ended, once both descriptors have been given back. */
  join(near: StreamLeg, far: StreamLeg, flow: Flow): Promise<FlowEnd> {
    const pair = new Pair(near, far, flow);
    this.#pairs.add(pair);
    this.#timer ??= setInterval(() => this.#sweep(), this.#limits.sweep);
    return new Promise((resolve) => {
      pair.begin((end) => {
        this.#pairs.delete(pair);
        if (this.#pairs.size === 0 && this.#timer !== null) {
          clearInterval(this.#timer);
          this.#timer = null;
        }
        flow.closed(end);
        resolve(end);
      });
    });
  }

  #sweep(): void {
    const now = performance.now();
    for (const pair of this.#pairs) pair.look(now, this.#limits);
  }
}

/** Two legs with bytes going to and fro. */
class Pair {
  readonly #near: StreamLeg;
  readonly #far: StreamLeg;
  readonly #flow: Flow;
  #end: FlowEnd | null = null;
  #waiting = 0;
  #movedAt = performance.now();

  constructor(near: StreamLeg, far: StreamLeg, flow: Flow) {
    this.#near = near;
    this.#far = far;
    this.#flow = flow;
  }

  /** Calls `over` once both descriptors have been given back. */
  begin(over: (end: FlowEnd) => void): void {
    const { signal } = this.#flow;
    const abort = (): void => this.#cut(signal.reason as FlowEnd);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
    let open = 2;
    const left = (leg: StreamLeg, other: StreamLeg): void => {
      this.#left(leg, other);
      open -= 1;
      if (open > 0) return;
      signal.removeEventListener('abort', abort);
      this.#count();
      over(this.#end ?? 'finished');
    };
    this.#near.whenClosed(() => left(this.#near, this.#far));
    this.#far.whenClosed(() => left(this.#far, this.#near));
    this.#near.passTo(this.#far);
    this.#far.passTo(this.#near);
  }

  /** Counts what was carried since the last look, and ends what has carried nothing for too long. */
  look(now: number, limits: IdleLimits): void {
    const waiting = this.#near.socket.writableLength + this.#far.socket.writableLength;
    const moved = this.#count() || waiting !== this.#waiting;
    this.#waiting = waiting;
    if (moved) this.#movedAt = now;
    const still = now - this.#movedAt;
    const halfClosed = this.#near.hasEnded || this.#far.hasEnded;
    if (halfClosed && still >= limits.halfClosed) this.#cut('half_closed_idle');
    else if (still >= limits.idle) this.#cut('idle');
  }

  /** A leg that closed out of order was reset, by its peer or by the kernel: the other side is told the same way. */
  #left(leg: StreamLeg, other: StreamLeg): void {
    const inOrder = leg.fault === null && leg.socket.readableEnded && leg.socket.writableFinished;
    if (inOrder) return;
    this.#end ??= 'reset';
    other.reset();
  }

  #cut(end: FlowEnd): void {
    this.#end ??= end;
    this.#near.reset();
    this.#far.reset();
  }

  /** Whether there was anything to count. */
  #count(): boolean {
    const sent = this.#near.takePassed();
    const received = this.#far.takePassed();
    if (sent === 0 && received === 0) return false;
    this.#flow.count(sent, received);
    return true;
  }
}
