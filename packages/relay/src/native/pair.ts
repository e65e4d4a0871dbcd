import { keepAlive } from './begin-connection.js';
import { Direction, type DirectionHome } from './direction.js';
import type { Pipes } from './pipes.js';
import type { PairEnd } from './protocol.js';
import { EPOLLERR, EPOLLHUP, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from './sys.js';
import { type Joined, MAY_READ, type Wire, type WireHome } from './wire.js';

export interface PairHome extends WireHome {
  readonly pipes: Pipes;
  over(pair: Pair, end: PairEnd): void;
}

/** After how long without a byte a flow ends. */
export interface PairLimits {
  readonly idle: number;
  readonly halfClosed: number;
}

/** Two connections with bytes going to and fro. It owns both until it is over. */
export class Pair implements Joined, DirectionHome {
  readonly flow: number;
  readonly loop: PairHome;
  readonly #near: Wire;
  readonly #far: Wire;
  readonly #forth: Direction;
  readonly #back: Direction;
  #isOver = false;
  #isKeptAlive = false;
  #movedAt: number;

  constructor(flow: number, near: Wire, far: Wire, loop: PairHome) {
    this.flow = flow;
    this.loop = loop;
    this.#near = near;
    this.#far = far;
    this.#movedAt = loop.now;
    this.#forth = new Direction(near, far, this);
    this.#back = new Direction(far, near, this);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  begin(toFar: readonly Uint8Array[], toNear: readonly Uint8Array[]): void {
    this.#back.prepend(this.#near.join(this), false);
    this.#forth.prepend(this.#far.join(this), false);
    this.#forth.prepend(toFar, true);
    this.#back.prepend(toNear, true);
    this.#forth.pump(true);
    if (!this.#isOver) this.#back.pump(true);
  }

  /** As `begin`, of two that nobody has read from; `events`: what is known of the far end. What is there is told of. */
  start(events: number): void {
    this.#near.join(this);
    this.#far.join(this);
    this.ready(this.#far, events);
  }

  /** As `start`; `reply` is said to the near end first, of which `nearEvents` are known. */
  answer(reply: Uint8Array, nearEvents: number, farEvents: number): void {
    this.#near.join(this);
    this.#far.join(this);
    this.#back.say(reply);
    if (!this.#isOver && nearEvents !== 0) this.ready(this.#near, nearEvents);
    if (!this.#isOver) this.ready(this.#far, farEvents);
  }

  ready(wire: Wire, events: number): void {
    const isNear = wire === this.#near;
    const reads = isNear ? this.#forth : this.#back;
    const writes = isNear ? this.#back : this.#forth;
    const hasFin = (events & (EPOLLRDHUP | EPOLLERR | EPOLLPRI)) === EPOLLRDHUP;
    if ((events & MAY_READ) !== 0) reads.pump((events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP | EPOLLPRI)) !== 0, hasFin);
    if (this.#isOver) return;
    // After a reset what was received can be read; what the other end does not take now is lost, as it would be there.
    if ((events & EPOLLERR) !== 0 && !reads.isQueued) {
      this.failed();
      return;
    }
    if ((events & EPOLLOUT) !== 0 && writes.isHeldUp) writes.pump(true);
  }

  /** Ends what has carried nothing for too long. */
  look(now: number, limits: PairLimits): void {
    if (!this.#isKeptAlive) keepAlive(this.loop.descriptors, this.#far.fd);
    this.#isKeptAlive = true;
    const still = now - this.#movedAt;
    const isHalfClosed = this.#forth.hasEnded || this.#back.hasEnded;
    if (isHalfClosed && still >= limits.halfClosed) this.close('half_closed_idle');
    else if (still >= limits.idle) this.close('idle');
  }

  /** Bytes sent and received since the last call. */
  takeCounts(): readonly [sent: number, received: number] {
    return [this.#forth.takeCount(), this.#back.takeCount()];
  }

  moved(): void {
    this.#movedAt = this.loop.now;
  }

  /** One end was reset, by its peer or by the kernel: the other side is told the same way. */
  failed(): void {
    this.close('reset');
  }

  get isHalfShut(): boolean {
    return this.#forth.isShut || this.#back.isShut;
  }

  finished(): void {
    if (this.#forth.isShut && this.#back.isShut) this.close('finished');
  }

  close(end: PairEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const how = end === 'finished' ? 'close' : 'reset';
    this.#near.close(how);
    this.#far.close(how);
    this.#forth.close();
    this.#back.close();
    this.loop.over(this, end);
  }
}
