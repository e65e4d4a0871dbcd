import type { Endpoint } from '../contracts.js';
import { LINGER_LIMIT } from '../limits.js';
import { ADDRESS_AT, ADDRESS_BYTES, COPY_AT, COPY_BYTES, LENGTH_AT } from './arena.js';
import type { Names } from './client-names.js';
import type { Descriptors, Watcher } from './descriptors.js';
import { ROUNDS_AT_ONCE, WAITING_AT_MOST } from './native-limits.js';
import type { News } from './protocol.js';
import { endpointOf } from './socket-address.js';
import {
  EAGAIN,
  ECONNRESET,
  EINTR,
  ENOBUFS,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  SO_ERROR,
  SOL_SOCKET,
} from './sys.js';

/** What wakes a connection: told once each time it changes, so whoever reads reads to the end. */
export const INTEREST: number = EPOLLIN + EPOLLOUT + EPOLLPRI + EPOLLRDHUP + EPOLLET;
export const MAY_READ: number = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/** What has used up its rounds and goes on in the next turn. */
export interface Unfinished {
  resume(): void;
}

/** What a connection needs of its loop. */
export interface WireHome {
  readonly descriptors: Descriptors;
  /** Of this turn, as `performance.now` tells it. */
  readonly now: number;
  tell(news: News): void;
  again(work: Unfinished): void;
  /** It reads on until the other side's FIN, and has to be looked at by `endsBy`. */
  lingers(wire: Wire): void;
  /** Its descriptor has been given back. */
  gone(wire: Wire): void;
  short(): void;
}

/** Who has a joined connection's events. */
export interface Joined {
  ready(wire: Wire, events: number): void;
}

const NOTHING: readonly Uint8Array[] = [];

type Stage = 'connecting' | 'open' | 'ending' | 'gone';

/**
 * One connection of the loop, and the one owner of its descriptor.
 *
 * Until it is joined its bytes go to and from the main thread, and only when that asks.
 */
export class Wire implements Watcher, Unfinished {
  readonly id: number;
  readonly fd: number;
  readonly #home: WireHome;
  #stage: Stage;
  #joined: Joined | null = null;
  #reading = false;
  #isQueued = false;
  readonly #out: Uint8Array[] = [];
  #waiting = 0;
  #writes = 0;
  #isShut = false;
  #endsBy = Number.POSITIVE_INFINITY;

  /** `fd` is watched by then, or will be at once. */
  constructor(id: number, fd: number, home: WireHome, stage: 'connecting' | 'open') {
    this.id = id;
    this.fd = fd;
    this.#home = home;
    this.#stage = stage;
  }

  get isOpen(): boolean {
    return this.#stage === 'open' && this.#joined === null;
  }

  /** When one that ends has had its time. */
  get endsBy(): number {
    return this.#endsBy;
  }

  ready(events: number): void {
    if (this.#joined !== null) this.#joined.ready(this, events);
    else if (this.#stage === 'connecting') this.#settle();
    else {
      if ((events & MAY_READ) !== 0 && (this.#reading || this.#stage === 'ending')) this.#read();
      if (this.#stage !== 'gone' && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) !== 0) this.#flush();
    }
  }

  resume(): void {
    this.#isQueued = false;
    if (this.#stage === 'ending' || (this.#reading && this.isOpen)) this.#read();
  }

  read(): void {
    if (!this.isOpen) return;
    this.#reading = true;
    this.#read();
  }

  stopReading(): void {
    if (this.#reading) this.#home.tell({ kind: 'stopped', id: this.id });
    this.#reading = false;
  }

  write(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    if (this.#waiting > WAITING_AT_MOST) {
      this.fail(ENOBUFS);
      return;
    }
    this.#out.push(bytes);
    this.#waiting += bytes.length;
    this.#writes += 1;
    this.#flush();
  }

  end(): void {
    if (!this.isOpen) return;
    this.#stage = 'ending';
    this.#endsBy = this.#home.now + LINGER_LIMIT;
    this.#home.lingers(this);
    this.#flush();
    // What is closed with unread bytes is reset by the kernel instead.
    if (this.#stage === 'ending') this.#read();
  }

  /** Gives the descriptor back, with a FIN or with a RST. */
  close(how: 'close' | 'reset'): void {
    if (this.#stage === 'gone') return;
    this.#stage = 'gone';
    this.#home.descriptors[how](this.fd);
    this.#home.gone(this);
  }

  /** Its events and its descriptor are `joined`'s from here on, and so are the bytes that have not been sent. */
  join(joined: Joined): readonly Uint8Array[] {
    this.#joined = joined;
    this.#reading = false;
    return this.#out.length === 0 ? NOTHING : this.#out.splice(0);
  }

  /** Its events are its own again; what became of it in between shows when it is read from or written to. */
  leave(): void {
    this.#joined = null;
  }

  /** It is broken: gives the descriptor back, and tells. */
  fail(errno: number): void {
    const wasEnding = this.#stage === 'ending';
    this.close('reset');
    if (!wasEnding) this.#home.tell({ kind: 'fault', id: this.id, errno });
  }

  /** connect(2): whether it came about is told by the socket's error. */
  #settle(): void {
    const error = this.#home.descriptors.option(this.fd, SOL_SOCKET, SO_ERROR);
    if (error !== 0) {
      this.close('close');
      this.#home.tell({ kind: 'not_connected', id: this.id, call: 'other', errno: Math.abs(error) });
      return;
    }
    const local = localOf(this.#home.descriptors, this.fd);
    if (typeof local === 'number') {
      this.close('reset');
      this.#home.tell({ kind: 'not_connected', id: this.id, call: 'other', errno: -local });
      return;
    }
    this.#stage = 'open';
    this.#home.tell({ kind: 'connected', id: this.id, local });
  }

  #read(): void {
    const { descriptors } = this.#home;
    for (let round = 0; round < ROUNDS_AT_ONCE; round += 1) {
      const got = descriptors.sys.recv(this.fd, COPY_AT, COPY_BYTES);
      if (got === -EAGAIN) return;
      if (got === -EINTR) continue;
      if (got < 0) {
        this.fail(-got);
        return;
      }
      if (this.#stage === 'ending') {
        if (got > 0) continue;
        // The FIN: nothing is left to be read, but something may be left to be sent.
        if (this.#out.length === 0) this.close('close');
        return;
      }
      this.#reading = false;
      this.#home.tell({
        kind: 'bytes',
        id: this.id,
        bytes: got === 0 ? null : descriptors.arena.copied(0, got),
      });
      return;
    }
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#home.again(this);
  }

  #flush(): void {
    const { descriptors } = this.#home;
    for (let [first] = this.#out; first !== undefined; [first] = this.#out) {
      const sent = first.length === 0 ? 0 : descriptors.sys.send(this.fd, COPY_AT, descriptors.arena.stage(first));
      if (sent === -EAGAIN) return;
      if (sent === -EINTR) continue;
      if (sent < 0) {
        this.fail(-sent);
        return;
      }
      this.#waiting -= sent;
      if (sent < first.length) this.#out[0] = first.subarray(sent);
      else this.#out.shift();
    }
    if (this.#writes > 0) this.#home.tell({ kind: 'wrote', id: this.id, count: this.#writes });
    this.#writes = 0;
    if (this.#stage !== 'ending' || this.#isShut) return;
    this.#isShut = true;
    descriptors.sys.shutdown(this.fd);
    this.#read();
  }
}

/** The address that a socket has here, or a negated errno. `names`: of those that are asked for again and again. */
export function localOf({ sys, arena }: Descriptors, fd: number, names?: Names): Endpoint | number {
  arena.setInt(LENGTH_AT, ADDRESS_BYTES);
  const asked = sys.getsockname(fd, ADDRESS_AT, LENGTH_AT);
  if (asked < 0) return asked;
  const length = arena.int(LENGTH_AT);
  if (length < 16) return -ECONNRESET;
  if (names !== undefined) return names.at(arena.bytes, ADDRESS_AT);
  return endpointOf(arena.bytes.subarray(ADDRESS_AT, ADDRESS_AT + length));
}
