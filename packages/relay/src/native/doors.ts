import type { Endpoint } from '../contracts.js';
import { BACKLOG, KEEP_ALIVE_DELAY, SHORTAGE_REST, SHORTAGE_REST_AT_MOST } from '../limits.js';
import { ADDRESS_AT, ADDRESS_BYTES, LENGTH_AT } from './arena.js';
import type { Descriptors, Watcher } from './descriptors.js';
import { ACCEPTS_AT_ONCE, HANDED_OVER_AT_MOST } from './native-limits.js';
import { endpointOf, familyOf } from './socket-address.js';
import {
  AF_INET6,
  EAGAIN,
  ECONNABORTED,
  EINTR,
  EPOLLIN,
  EPROTO,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  isScarce,
  SO_KEEPALIVE,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_NODELAY,
} from './sys.js';
import { localOf } from './wire.js';

/** What listeners need of their loop. */
export interface DoorsHome {
  readonly descriptors: Descriptors;
  readonly now: number;
  /** The descriptor is the callee's from here on. */
  arrived(listener: number, fd: number, remote: Endpoint, local: Endpoint): void;
  short(): void;
}

/** What every connection is set to. On Linux those that are accepted have it from their listener. */
export function setUp(descriptors: Descriptors, fd: number): void {
  descriptors.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  descriptors.setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  descriptors.setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_ALIVE_DELAY / 1_000);
}

/** All listeners of a loop. While they rest, connections wait in the kernel's queue. */
export class Doors {
  readonly #home: DoorsHome;
  readonly #doors = new Map<number, Door>();
  #handedOver = 0;
  #restsUntil: number | null = null;
  #pause = SHORTAGE_REST;
  #calmFrom = Number.POSITIVE_INFINITY;

  constructor(home: DoorsHome) {
    this.#home = home;
  }

  /** When they have to be looked at; null: when an event says so. */
  get wakesAt(): number | null {
    return this.#restsUntil;
  }

  /** The port, or a negated errno. */
  open(id: number, at: Uint8Array): number {
    const { descriptors } = this.#home;
    const fd = descriptors.sys.socket(familyOf(at), SOCK_STREAM);
    if (fd < 0) return fd;
    const door = new Door(id, fd, this);
    const listening = listenAt(descriptors, fd, at);
    const local = listening < 0 ? listening : localOf(descriptors, fd);
    const failed = typeof local === 'number' ? local : descriptors.watch(fd, this.#isResting ? 0 : EPOLLIN, door);
    if (failed < 0 || typeof local === 'number') {
      descriptors.close(fd);
      return failed;
    }
    door.local = local;
    this.#doors.set(id, door);
    return local.port;
  }

  close(id: number): void {
    const door = this.#doors.get(id);
    if (door === undefined) return;
    this.#doors.delete(id);
    this.#home.descriptors.close(door.fd);
  }

  closeAll(): void {
    for (const id of [...this.#doors.keys()]) this.close(id);
  }

  /** Descriptors have run out. Each rest that follows closely on another is twice as long. False: they rest already. */
  rest(): boolean {
    if (this.#restsUntil !== null) return false;
    this.#restsUntil = this.#home.now + this.#pause;
    this.#pause = Math.min(this.#pause * 2, SHORTAGE_REST_AT_MOST);
    this.#show();
    return true;
  }

  look(): void {
    const { now } = this.#home;
    if (this.#restsUntil !== null && now >= this.#restsUntil) {
      this.#restsUntil = null;
      this.#calmFrom = now + this.#pause;
      this.#show();
    }
    if (this.#restsUntil === null && now >= this.#calmFrom) this.#pause = SHORTAGE_REST;
  }

  /** The main thread has taken note of so many. */
  took(count: number): void {
    const wasFull = this.#isFull;
    this.#handedOver -= count;
    if (wasFull && !this.#isFull) this.#show();
  }

  accept(door: Door): void {
    const { descriptors } = this.#home;
    const { sys, arena } = descriptors;
    for (let i = 0; i < ACCEPTS_AT_ONCE && !this.#isResting; i += 1) {
      arena.setInt(LENGTH_AT, ADDRESS_BYTES);
      const fd = sys.accept4(door.fd, ADDRESS_AT, LENGTH_AT);
      if (fd === -EAGAIN) return;
      // accept(2): what befell that one connection, or the network, is no reason to stop.
      if (fd === -EINTR || fd === -ECONNABORTED || fd === -EPROTO) continue;
      if (fd < 0) {
        // What is not a shortage could come again at once, and the listener would do nothing else.
        if (isScarce(-fd)) this.#home.short();
        else this.rest();
        return;
      }
      const remote = endpointOf(arena.bytes.subarray(ADDRESS_AT, ADDRESS_AT + arena.int(LENGTH_AT)));
      const local = door.isAnywhere ? localOf(descriptors, fd) : door.local;
      if (typeof local === 'number') {
        descriptors.close(fd);
        continue;
      }
      this.#handedOver += 1;
      this.#home.arrived(door.id, fd, remote, local);
      if (this.#isFull) this.#show();
    }
  }

  get #isFull(): boolean {
    return this.#handedOver >= HANDED_OVER_AT_MOST;
  }

  get #isResting(): boolean {
    return this.#restsUntil !== null || this.#isFull;
  }

  #show(): void {
    const events = this.#isResting ? 0 : EPOLLIN;
    let failed = false;
    for (const { fd } of this.#doors.values()) failed = this.#home.descriptors.change(fd, events) < 0 || failed;
    // Out of memory even for that (epoll_ctl(2)): tried again after a rest.
    if (failed) this.#restsUntil = this.#home.now + SHORTAGE_REST;
  }
}

/** One listener. It is told again for as long as connections wait. */
class Door implements Watcher {
  readonly id: number;
  readonly fd: number;
  readonly #doors: Doors;
  local: Endpoint = { address: '', port: 0 };

  constructor(id: number, fd: number, doors: Doors) {
    this.id = id;
    this.fd = fd;
    this.#doors = doors;
  }

  /** Its connections have each an address of their own here. */
  get isAnywhere(): boolean {
    return this.local.address === '::' || this.local.address === '0.0.0.0';
  }

  ready(): void {
    this.#doors.accept(this);
  }
}

function listenAt(descriptors: Descriptors, fd: number, at: Uint8Array): number {
  const { sys } = descriptors;
  const v6Only = familyOf(at) === AF_INET6 ? descriptors.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;
  if (v6Only < 0) return v6Only;
  // A port that connections of before still hold in TIME_WAIT is free for a listener (socket(7)).
  descriptors.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  setUp(descriptors, fd);
  const bound = sys.bind(fd, ADDRESS_AT, descriptors.address(at));
  return bound < 0 ? bound : sys.listen(fd, BACKLOG);
}
