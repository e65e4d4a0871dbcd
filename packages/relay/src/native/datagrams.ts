import { UDP_LOOKS } from '../limits.js';
import { INWARD_AT, OUTWARD_AT } from './arena.js';
import { Batch } from './batch.js';
import { type Newcomer, Place, type PlaceHome, placeSocket } from './datagram-place.js';
import type { DatagramCommand, DatagramNews, SessionEnd } from './datagram-protocol.js';
import { connectedTo, Session, type SessionHome } from './datagram-session.js';
import type { Descriptors } from './descriptors.js';
import { Exchanges, type ExchangesHome } from './exchanges.js';
import { DATAGRAMS_AT_ONCE } from './native-limits.js';
import { endpointOf } from './socket-address.js';
import { EAGAIN, EINTR, EPOLLIN, isScarce } from './sys.js';
import { localOf } from './wire.js';

/** What datagrams need of their loop. */
export interface DatagramsHome {
  readonly descriptors: Descriptors;
  readonly now: number;
  tell(news: DatagramNews): void;
  /** A call was refused for want of descriptors or of memory. */
  crowded(): void;
}

interface Owned {
  readonly session: Session;
  readonly place: Place;
}

/** All datagrams of a loop: of each peer to a socket of its own, and what comes back by that, batch by batch. */
export class Datagrams implements PlaceHome, SessionHome, ExchangesHome {
  readonly inward: Batch;
  readonly #home: DatagramsHome;
  /** Between two looks at what was carried, in milliseconds. */
  readonly #sweep: number;
  readonly #places = new Map<number, Place>();
  readonly #owned = new Map<number, Owned>();
  readonly #newcomers = new Map<number, Newcomer>();
  readonly #exchanges: Exchanges;
  /** Replies that have been received and go out by `#leaves`, so many of them. */
  readonly #outward: Batch;
  #leaves: Place | null = null;
  #filled = 0;
  #lastNewcomer = 0;
  #sweepAt = Number.POSITIVE_INFINITY;
  #countsAreSeen = true;

  constructor(home: DatagramsHome, sweep: number) {
    const { sys } = home.descriptors;
    this.#home = home;
    this.#sweep = sweep;
    this.inward = new Batch(sys, INWARD_AT, 'received');
    this.#outward = new Batch(sys, OUTWARD_AT, 'sent');
    this.#exchanges = new Exchanges(this);
  }

  get now(): number {
    return this.#home.now;
  }

  get descriptors(): Descriptors {
    return this.#home.descriptors;
  }

  tell(news: DatagramNews): void {
    this.#home.tell(news);
  }

  crowded(): void {
    this.#home.crowded();
  }

  /** When they have to be looked at. */
  get wakesAt(): number {
    return this.#sweepAt;
  }

  do(command: DatagramCommand): void {
    switch (command.kind) {
      case 'open_place':
        this.#open(command);
        return;
      case 'close_place':
        this.#close(command.id);
        this.#home.tell({ kind: 'place_closed', id: command.id });
        return;
      case 'admit':
        this.#admit(command);
        return;
      case 'refuse':
        this.#refuse(command.newcomer);
        return;
      case 'cut_session': {
        const owned = this.#owned.get(command.flow);
        if (owned !== undefined) this.#end(owned, 'cut');
        return;
      }
      case 'datagrams_counted':
        this.#countsAreSeen = true;
        return;
      default:
        this.#exchanges.do(command);
    }
  }

  /** Replies of several sessions go out together. */
  replies(session: Session): void {
    const place = this.#owned.get(session.flow)?.place;
    if (place === undefined) return;
    if (this.#leaves !== place) this.flush();
    this.#leaves = place;
    const got = session.pace.comesAlone
      ? this.#outward.receiveOne(session.fd, this.#filled)
      : this.#outward.receive(session.fd, this.#filled);
    if (got < 0) {
      // ECONNREFUSED and the like are one datagram's: the program may be there again for the next.
      if (got !== -EAGAIN && got !== -EINTR) place.lose(1);
      return;
    }
    const to = this.#filled + got;
    let bytes = 0;
    for (let i = this.#filled; i < to; i += 1) {
      this.#outward.address(i, session.name);
      bytes += this.#outward.lengthOf(i);
    }
    session.replied(got, bytes);
    this.#filled = to;
    if (to === DATAGRAMS_AT_ONCE) this.flush();
  }

  /** Sends what has been collected. */
  flush(): void {
    if (this.#filled > 0) this.#leaves?.lose(this.#outward.send(this.#leaves.fd, 0, this.#filled));
    this.#filled = 0;
    this.#leaves = null;
  }

  arrived(place: Place, peer: string, name: Uint8Array, first: Uint8Array): Newcomer {
    this.#lastNewcomer += 1;
    const newcomer: Newcomer = { id: this.#lastNewcomer, place, peer, name, waiting: [first] };
    this.#newcomers.set(newcomer.id, newcomer);
    this.#ask(newcomer);
    return newcomer;
  }

  lossy(): void {
    this.#lookSoon(this.#sweep);
  }

  moved(): void {
    this.#lookSoon(this.#sweep);
  }

  /** At the end of each turn: replies go out, and when it is time, what has been silent for too long ends. */
  look(): void {
    this.flush();
    if (this.now < this.#sweepAt) return;
    for (const { session, place } of [...this.#owned.values()])
      if (this.now - session.usedAt >= place.bounds.idle) this.#end({ session, place }, 'idle');
    const isTold = this.#tellCounts();
    this.#sweepAt = Number.POSITIVE_INFINITY;
    if (!isTold) this.#lookSoon(this.#sweep);
    for (const { bounds, sessions } of this.#places.values())
      if (sessions.size > 0) this.#lookSoon(Math.min(this.#sweep, bounds.idle / UDP_LOOKS));
  }

  close(): void {
    for (const id of [...this.#places.keys()]) this.#close(id);
    this.#exchanges.close();
  }

  #open({ id, at, idle, peers }: Extract<DatagramCommand, { kind: 'open_place' }>): void {
    const { descriptors } = this.#home;
    const fd = placeSocket(descriptors, at);
    const local = fd < 0 ? fd : localOf(descriptors, fd);
    const place = new Place(id, fd, { idle, peers }, this);
    const failed = typeof local === 'number' ? local : descriptors.watch(fd, EPOLLIN, place);
    if (failed < 0 || typeof local === 'number') {
      if (fd >= 0) descriptors.close(fd);
      this.#home.tell({ kind: 'place_not_open', id, errno: -failed });
      return;
    }
    this.#places.set(id, place);
    this.#home.tell({ kind: 'place_open', id, port: local.port });
  }

  /** Replies that are on their way leave first. */
  #close(id: number): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.flush();
    for (const session of [...place.sessions.values()]) this.#end({ session, place }, 'stopped');
    for (const newcomer of place.newcomers.values()) this.#newcomers.delete(newcomer.id);
    this.#places.delete(id);
    this.#home.descriptors.close(place.fd);
  }

  #ask({ id, place, name, waiting: [first] }: Newcomer): void {
    if (first !== undefined)
      this.#home.tell({ kind: 'newcomer', place: place.id, newcomer: id, peer: endpointOf(name), first });
  }

  #admit({ newcomer: id, flow, to, source }: Extract<DatagramCommand, { kind: 'admit' }>): void {
    const newcomer = this.#newcomers.get(id);
    this.#newcomers.delete(id);
    // Its place was closed while the answer was under way.
    if (newcomer === undefined) {
      this.#tellOver(flow, 'stopped', null);
      return;
    }
    const { place } = newcomer;
    const silent = place.sessions.size >= place.bounds.peers ? place.mostSilent : undefined;
    if (silent !== undefined) this.#end({ session: silent, place }, 'idle');
    const { descriptors } = this.#home;
    const opened = connectedTo(descriptors, to, source);
    if ('errno' in opened) {
      this.#notOpened(newcomer, flow, opened);
      return;
    }
    const session = new Session(flow, opened.fd, newcomer, this);
    const watched = descriptors.watch(opened.fd, EPOLLIN, session);
    if (watched < 0) {
      descriptors.close(opened.fd);
      this.#notOpened(newcomer, flow, { call: 'other', errno: -watched });
      return;
    }
    this.#owned.set(flow, { session, place });
    place.admitted(newcomer, session);
    this.#lookSoon(Math.min(this.#sweep, place.bounds.idle / UDP_LOOKS));
  }

  #notOpened(newcomer: Newcomer, flow: number, fault: NonNullable<Over['fault']>): void {
    newcomer.place.forget(newcomer);
    if (isScarce(fault.errno)) this.#home.crowded();
    this.#tellOver(flow, 'reset', fault);
  }

  #refuse(id: number): void {
    const newcomer = this.#newcomers.get(id);
    if (newcomer === undefined) return;
    if (newcomer.place.refused(newcomer)) this.#ask(newcomer);
    else this.#newcomers.delete(id);
  }

  #end({ session, place }: Owned, end: SessionEnd): void {
    this.#owned.delete(session.flow);
    place.sessions.delete(session.peer);
    this.#home.descriptors.close(session.fd);
    this.#tellOver(session.flow, end, null, session.takeCounts());
  }

  #tellOver(flow: number, end: SessionEnd, fault: Over['fault'], [sent, received]: readonly number[] = []): void {
    this.#home.tell({ kind: 'session_over', flow, end, fault, sent: sent ?? 0, received: received ?? 0 });
  }

  #lookSoon(pause: number): void {
    this.#sweepAt = Math.min(this.#sweepAt, this.now + pause);
  }

  /** One message at a time: while the main thread is busy the numbers wait here. False: they do. */
  #tellCounts(): boolean {
    if (!this.#countsAreSeen) return false;
    const counts: number[] = [];
    const lost: number[] = [];
    for (const { session } of this.#owned.values()) {
      const [sent, received] = session.takeCounts();
      if (sent > 0 || received > 0) counts.push(session.flow, sent, received);
    }
    for (const place of this.#places.values()) {
      const count = place.takeLost();
      if (count > 0) lost.push(place.id, count);
    }
    const exchanges = this.#exchanges.takeCounts();
    if (counts.length + lost.length + exchanges.length === 0) return true;
    this.#countsAreSeen = false;
    this.#home.tell({
      kind: 'datagram_counts',
      counts: Float64Array.from(counts),
      lost: Float64Array.from(lost),
      exchanges: Float64Array.from(exchanges),
    });
    return true;
  }
}

type Over = Extract<DatagramNews, { kind: 'session_over' }>;
