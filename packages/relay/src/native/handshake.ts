import type { Endpoint } from '../contracts.js';
import type { Request } from '../socks5/codec.js';
import { writeReply } from '../socks5/codec-write.js';
import { openSession, receive, type Session } from '../socks5/session.js';
import { COPY_AT, COPY_BYTES } from './arena.js';
import { beginConnection } from './begin-connection.js';
import type { Names } from './client-names.js';
import { Pair, type PairHome } from './pair.js';
import type { FailedCall, News } from './protocol.js';
import { socketAddressOf } from './socket-address.js';
import {
  EAGAIN,
  ECANCELED,
  ECONNRESET,
  EINTR,
  EINVAL,
  EPOLLERR,
  EPOLLHUP,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  ETIMEDOUT,
  SO_ERROR,
  SOL_SOCKET,
} from './sys.js';
import { INTEREST, type Joined, localOf, MAY_READ, Wire } from './wire.js';

/** What a handshake needs of its loop and of those who keep it. */
export interface HandshakeHome {
  readonly loop: PairHome & {
    nextArrival(): number;
    /** A further connection, that has no other end yet or is one. */
    keep(wire: Wire): void;
    /** It is the main thread's to say what becomes of it. */
    handedOver(wire: Wire): void;
    /** Both ends are there, and it owns them. */
    led(pair: Pair): void;
  };
  readonly names: Names;
  tell(news: News): void;
  asked(handshake: Handshake, target: Endpoint): void;
  /** It hears nobody any more. */
  heard(): void;
  /** Both ends are there. */
  joined(id: number): void;
  /** It is over: the client is read and written from elsewhere, carried, or gone. */
  left(handshake: Handshake): void;
  failed(id: number, call: FailedCall, errno: number): void;
}

/** Who arrived where. */
export interface Arrival {
  readonly id: number;
  readonly listener: number;
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** As `performance.now` tells it. */
  readonly at: number;
}

const BROKEN = EPOLLERR | EPOLLHUP;
/** A read that brings little is no sign then that there is no more. */
const MORE_TO_COME = BROKEN | EPOLLRDHUP | EPOLLPRI;

/**
 * One SOCKS5 client, from its first byte until it has been connected, and the connection that is to be its other end.
 *
 * It goes through the session's machine for as long as a step is one of the plain ones. The bytes of any other step
 * are handed over with the client, as if they had not been read.
 */
export class Handshake implements Joined {
  readonly arrival: Arrival;
  readonly near: Wire;
  readonly #home: HandshakeHome;
  #stage: 'hearing' | 'asked' | 'connecting' | 'over' = 'hearing';
  #session: Session = openSession('none');
  #target: Endpoint = { address: '', port: 0 };
  #far: Wire | null = null;
  /** What was told of the client while nobody read from it. */
  #events = 0;
  #endsBy = Number.POSITIVE_INFINITY;

  constructor(arrival: Arrival, near: Wire, home: HandshakeHome) {
    this.arrival = arrival;
    this.near = near;
    this.#home = home;
    near.join(this);
  }

  get isHearing(): boolean {
    return this.#stage === 'hearing';
  }

  /** When its connection has to be there. */
  get endsBy(): number {
    return this.#endsBy;
  }

  ready(wire: Wire, events: number): void {
    if (wire !== this.near) this.#settle(wire, events);
    else if (this.#stage === 'hearing') {
      if ((events & MAY_READ) !== 0) this.#hear(events);
    } else {
      this.#events |= events;
      if (this.#stage === 'connecting' && (events & BROKEN) !== 0) this.#lost();
    }
  }

  /** The client has not asked yet, and is heard by somebody else from here on, who gets to know what it said. */
  handOver(bytes: Uint8Array = this.#session.pending): void {
    const { id, listener, remote, local, at } = this.arrival;
    const isGreeted = this.#session.phase !== 'greeting';
    const heard = { isGreeted, age: this.#home.loop.now - at, bytes };
    this.#home.heard();
    this.take();
    this.#home.tell({ kind: 'accepted', listener, id, remote, local, heard });
  }

  /** The client is read and written from elsewhere. */
  take(): void {
    this.#over();
    this.near.leave();
    this.#home.loop.handedOver(this.near);
  }

  connect(source: Uint8Array | null, timeout: number): void {
    if (this.#stage !== 'asked') return;
    this.#stage = 'connecting';
    const to = socketAddressOf(this.#target);
    if ((this.#events & BROKEN) !== 0) this.#lost();
    else if (to === null) this.fail('other', EINVAL);
    else this.#begin(to, source, timeout);
  }

  recall(): void {
    if (this.#stage === 'connecting') this.fail('other', ECANCELED);
  }

  late(): void {
    this.fail('other', ETIMEDOUT);
  }

  /** There is no connection; the client waits to be told so. */
  fail(call: FailedCall, errno: number): void {
    this.#far?.close('reset');
    this.take();
    this.#home.failed(this.arrival.id, call, errno);
  }

  /** The client has gone, or was sent away. */
  gone(): void {
    if (this.#stage === 'over') return;
    if (this.#stage === 'hearing') this.#home.heard();
    this.#over();
    this.#far?.close('reset');
  }

  #over(): void {
    this.#stage = 'over';
    this.#home.left(this);
  }

  #hear(events: number): void {
    const { sys, arena } = this.#home.loop.descriptors;
    while (this.#stage === 'hearing') {
      const got = sys.recv(this.near.fd, COPY_AT, COPY_BYTES);
      if (got === -EAGAIN) return;
      if (got === -EINTR) continue;
      if (got <= 0) {
        this.handOver();
        if (got < 0) this.near.fail(-got);
        return;
      }
      this.#take(arena.copied(0, got), events);
      if (got < COPY_BYTES && (events & MORE_TO_COME) === 0) return;
    }
  }

  /** One step of the session: done here and now as a whole, or left to whom the client is handed over to. */
  #take(bytes: Uint8Array, events: number): void {
    const { session, actions } = receive(this.#session, bytes);
    let request: Request | null = null;
    let said: Uint8Array | null = null;
    for (const action of actions) {
      if (action.type === 'send' && said === null) said = action.bytes;
      else if (action.type === 'serve' && action.rest.length === 0) request = action.request;
      else {
        this.#handBack(bytes);
        return;
      }
    }
    const isPlain = request === null || (request.command === 'connect' && request.target.kind === 'address');
    if (!isPlain || (said !== null && !this.#says(said))) this.#handBack(bytes);
    else if (this.#stage === 'hearing') {
      this.#session = session;
      if (request?.target.kind === 'address') this.#ask(request.target, events & MORE_TO_COME);
    }
  }

  #handBack(bytes: Uint8Array): void {
    const { pending } = this.#session;
    this.handOver(pending.length === 0 ? bytes : Buffer.concat([pending, bytes]));
  }

  /** False: nothing of it has been said. */
  #says(bytes: Uint8Array): boolean {
    const { sys, arena } = this.#home.loop.descriptors;
    const sent = sys.send(this.near.fd, COPY_AT, arena.stage(bytes));
    if (sent === bytes.length) return true;
    if (sent === -EAGAIN || sent === -EINTR) return false;
    // A part of two bytes: there is no way on from there.
    this.handOver();
    this.near.fail(sent < 0 ? -sent : ECONNRESET);
    return true;
  }

  #begin(to: Uint8Array, source: Uint8Array | null, timeout: number): void {
    const { loop } = this.#home;
    const begun = beginConnection(loop.descriptors, to, source);
    if ('call' in begun) {
      this.fail(begun.call, begun.errno);
      return;
    }
    const far = new Wire(loop.nextArrival(), begun.fd, loop, 'open');
    this.#far = far;
    this.#endsBy = loop.now + timeout;
    loop.keep(far);
    far.join(this);
    const watched = loop.descriptors.watch(begun.fd, INTEREST, far);
    if (watched < 0) this.fail('other', -watched);
  }

  #ask(target: Endpoint, events: number): void {
    this.#stage = 'asked';
    this.#target = target;
    this.#events = events;
    this.#home.heard();
    this.#home.asked(this, target);
  }

  /** connect(2): whether it came about is told by the socket's error. */
  #settle(far: Wire, events: number): void {
    const { descriptors } = this.#home.loop;
    const error = (events & BROKEN) !== 0 ? descriptors.option(far.fd, SOL_SOCKET, SO_ERROR) : 0;
    if (error !== 0) this.fail('other', Math.abs(error));
    else if ((events & EPOLLOUT) !== 0) this.#answer(far, events);
  }

  /** RFC 1928 section 6: BND is what the target sees us as. */
  #answer(far: Wire, events: number): void {
    const { loop } = this.#home;
    const local = localOf(loop.descriptors, far.fd, this.#home.names);
    if (typeof local === 'number') {
      this.fail('other', -local);
      return;
    }
    const { id } = this.arrival;
    this.#over();
    const pair = new Pair(id, this.near, far, loop);
    loop.led(pair);
    this.#home.joined(id);
    pair.answer(writeReply('succeeded', local), this.#events, events);
  }

  /** Nobody waits for the answer any more. */
  #lost(): void {
    this.fail('other', ECANCELED);
    this.near.fail(ECONNRESET);
  }
}
