import { UDP_KERNEL_BYTES, UDP_WAITING_AT_MOST } from '../limits.js';
import { ADDRESS_AT } from './arena.js';
import type { Batch } from './batch.js';
import type { Session } from './datagram-session.js';
import type { Descriptors, Watcher } from './descriptors.js';
import { NEWCOMERS_AT_MOST, NEWCOMERS_BYTES_AT_MOST } from './native-limits.js';
import { familyOf } from './socket-address.js';
import { AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SO_RCVBUF, SO_SNDBUF, SOCK_DGRAM, SOL_SOCKET } from './sys.js';

/** Somebody who has no session yet, and what has come from them, which waits for the main thread's word. */
export interface Newcomer {
  readonly id: number;
  readonly place: Place;
  /** The address, as a key and as the kernel has it. */
  readonly peer: string;
  readonly name: Uint8Array;
  readonly waiting: Uint8Array[];
}

/** What a place needs of those it is among. */
export interface PlaceHome {
  /** Where datagrams from peers are received. */
  readonly inward: Batch;
  /** Asks what is to become of somebody. */
  arrived(place: Place, peer: string, name: Uint8Array, first: Uint8Array): Newcomer;
  /** Datagrams have been lost, which is to be told. */
  lossy(): void;
}

export interface PlaceBounds {
  /** How long a session may be silent, in milliseconds. */
  readonly idle: number;
  readonly peers: number;
}

/** One address that peers send to and that their replies come from. */
export class Place implements Watcher {
  readonly id: number;
  readonly fd: number;
  readonly bounds: PlaceBounds;
  readonly sessions: Map<string, Session> = new Map();
  readonly newcomers: Map<string, Newcomer> = new Map();
  readonly #home: PlaceHome;
  #waitingBytes = 0;
  #heard = 0;
  #lost = 0;

  constructor(id: number, fd: number, bounds: PlaceBounds, home: PlaceHome) {
    this.id = id;
    this.fd = fd;
    this.bounds = bounds;
    this.#home = home;
  }

  /** One batch: what is left is told of again. An error is one datagram's, and has been taken with it. */
  ready(): void {
    const { inward } = this.#home;
    const got = inward.receive(this.fd, 0);
    // Those from `from` on are all `last`'s.
    let last = '';
    let from = 0;
    for (let i = 0; i < got; i += 1) {
      const peer = inward.peerOf(i);
      const isCut = inward.isCut(i);
      if (peer === last && !isCut) continue;
      this.#take(last, from, i);
      last = isCut ? '' : peer;
      from = isCut ? i + 1 : i;
      if (isCut) this.lose(1);
    }
    if (got > 0) this.#take(last, from, got);
  }

  /** What waited goes by the session that it waited for. */
  admitted(newcomer: Newcomer, session: Session): void {
    const { inward } = this.#home;
    this.forget(newcomer);
    this.sessions.set(session.peer, session);
    for (const [i, bytes] of newcomer.waiting.entries()) inward.put(i, bytes);
    this.#forward(session, 0, newcomer.waiting.length);
  }

  /** The first that waited is dropped. True: others do, and the next one is to be asked for. */
  refused(newcomer: Newcomer): boolean {
    this.#waitingBytes -= newcomer.waiting.shift()?.length ?? 0;
    if (newcomer.waiting.length > 0) return true;
    this.forget(newcomer);
    return false;
  }

  forget({ peer, waiting }: Newcomer): void {
    for (const { length } of waiting) this.#waitingBytes -= length;
    this.newcomers.delete(peer);
  }

  /** The one whose peer has been silent for longest. */
  get mostSilent(): Session | undefined {
    let found: Session | undefined;
    for (const session of this.sessions.values())
      if (found === undefined || session.heard < found.heard) found = session;
    return found;
  }

  lose(count: number): void {
    if (count === 0) return;
    this.#lost += count;
    this.#home.lossy();
  }

  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  #take(peer: string, from: number, to: number): void {
    if (from === to) return;
    const session = this.sessions.get(peer);
    if (session !== undefined) this.#forward(session, from, to);
    else for (let i = from; i < to; i += 1) this.#wait(peer, i);
  }

  #forward(session: Session, from: number, to: number): void {
    this.#heard += 1;
    session.heard = this.#heard;
    this.lose(session.forward(this.#home.inward, from, to));
  }

  #wait(peer: string, i: number): void {
    const { inward } = this.#home;
    const known = this.newcomers.get(peer);
    const isFull =
      known === undefined ? this.newcomers.size >= NEWCOMERS_AT_MOST : known.waiting.length >= UDP_WAITING_AT_MOST;
    if (isFull || this.#waitingBytes + inward.lengthOf(i) > NEWCOMERS_BYTES_AT_MOST) {
      this.lose(1);
      return;
    }
    const bytes = inward.bytesOf(i);
    this.#waitingBytes += bytes.length;
    if (known === undefined) this.newcomers.set(peer, this.#home.arrived(this, peer, inward.nameOf(i), bytes));
    else known.waiting.push(bytes);
  }
}

/** A socket for datagrams to that address, or a negated errno and nothing is open. */
export function placeSocket(descriptors: Descriptors, at: Uint8Array): number {
  const { sys } = descriptors;
  const family = familyOf(at);
  const fd = sys.socket(family, SOCK_DGRAM);
  if (fd < 0) return fd;
  descriptors.setOption(fd, SOL_SOCKET, SO_RCVBUF, UDP_KERNEL_BYTES);
  descriptors.setOption(fd, SOL_SOCKET, SO_SNDBUF, UDP_KERNEL_BYTES);
  const v6Only = family === AF_INET6 ? descriptors.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;
  const bound = v6Only < 0 ? v6Only : sys.bind(fd, ADDRESS_AT, descriptors.address(at));
  if (bound >= 0) return fd;
  descriptors.close(fd);
  return bound;
}
