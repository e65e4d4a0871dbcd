import type { Endpoint } from '../contracts.js';
import { BACKLOG, SHORTAGE_REST, SHORTAGE_REST_AT_MOST } from '../limits.js';
import { ADDRESS_AT, ADDRESS_BYTES, LENGTH_AT } from './arena.js';
import { setUp } from './begin-connection.js';
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
  IPV6_V6ONLY,
  isScarce,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
} from './sys.js';
import { localOf } from './wire.js';

/** What listeners need of their loop. */
export interface DoorsHome {
  readonly descriptors: Descriptors;
  readonly now: number;
  /** Connections that arrived and have not been led on: each will need another descriptor. */
  readonly unled: number;
  /** All connections, in whichever direction. */
  readonly connections: number;
  /** Leads it on, if it may: then the descriptor is the callee's. Its client's address lies in the arena. */
  leadOn(listener: number, fd: number): boolean;
  /** Hears it itself, if it may, until it is handed over or led on: the same. `local`: as `localOf` answers. */
  hear(listener: number, fd: number, local: () => Endpoint | number): boolean;
  /** The descriptor is the callee's from here on. */
  arrived(listener: number, fd: number, remote: Endpoint, local: Endpoint): void;
  /** A call was refused for want of descriptors or of memory. */
  short(): void;
  /** It would be soon. */
  crowded(): void;
}

/** All listeners of a loop. While they rest, connections wait in the kernel's queue. */
export class Doors {
  readonly #home: DoorsHome;
  readonly #doors = new Map<number, Door>();
  #handedOver = 0;
  #restsUntil: number | null = null;
  #pause = SHORTAGE_REST;
  #calmFrom = Number.POSITIVE_INFINITY;
  #isCrowded = false;
  /** So many connections there were when descriptors ran out. */
  #ceiling = Number.POSITIVE_INFINITY;

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
    this.#isCrowded = true;
    if (this.#restsUntil !== null) return false;
    this.#restsUntil = this.#home.now + this.#pause;
    this.#pause = Math.min(this.#pause * 2, SHORTAGE_REST_AT_MOST);
    this.#show();
    return true;
  }

  /** A call has been refused: for more connections than there are, there are no descriptors. */
  refused(): void {
    this.#ceiling = Math.min(this.#ceiling, this.#home.connections);
  }

  /** A descriptor has been given back: who waits in the queue for want of one need not wait for the end of the rest. */
  roomier(): void {
    if (!this.#isCrowded || !this.#hasRoom) return;
    this.#isCrowded = false;
    if (this.#restsUntil !== null) this.#restsUntil = this.#home.now;
  }

  look(): void {
    const { now } = this.#home;
    if (this.#restsUntil !== null && now >= this.#restsUntil) {
      this.#restsUntil = null;
      // Somebody else may have given descriptors back: one more connection and its other end are tried.
      if (this.#isCrowded) this.#ceiling += 2;
      this.#isCrowded = false;
      this.#calmFrom = now + this.#pause;
      this.#show();
    }
    if (this.#restsUntil !== null || now < this.#calmFrom) return;
    this.#pause = SHORTAGE_REST;
    this.#ceiling = Number.POSITIVE_INFINITY;
    this.#calmFrom = Number.POSITIVE_INFINITY;
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
    const openMax = sys.openMax();
    for (let i = 0; i < ACCEPTS_AT_ONCE && !this.#isResting; i += 1) {
      if (!this.#hasRoom) {
        this.#home.crowded();
        return;
      }
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
      this.#handedOver += 1;
      const isLed = this.#home.leadOn(door.id, fd);
      if (!isLed && !this.#home.hear(door.id, fd, () => this.#localOf(door, fd))) this.#handOver(door, fd);
      if (this.#isFull) this.#show();
      // The kernel gives the lowest number there is (open(2)): all below are taken, and those above are what is left.
      const highest = isLed ? fd + 1 : fd;
      if (highest + this.#home.unled >= openMax - 1) this.#home.crowded();
    }
  }

  #handOver(door: Door, fd: number): void {
    const { descriptors } = this.#home;
    const { arena } = descriptors;
    const remote = endpointOf(arena.bytes.subarray(ADDRESS_AT, ADDRESS_AT + arena.int(LENGTH_AT)));
    const local = this.#localOf(door, fd);
    if (typeof local !== 'number') {
      this.#home.arrived(door.id, fd, remote, local);
      return;
    }
    descriptors.close(fd);
    this.#handedOver -= 1;
  }

  #localOf(door: Door, fd: number): Endpoint | number {
    return door.isAnywhere ? localOf(this.#home.descriptors, fd) : door.local;
  }

  /** For one more connection and its other end, and the other ends of those that have none yet. */
  get #hasRoom(): boolean {
    return this.#home.connections + this.#home.unled + 2 <= this.#ceiling;
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
