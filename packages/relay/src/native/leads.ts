import { ADDRESS_AT, SOCKET_ADDRESS_BYTES } from './arena.js';
import { beginConnection } from './begin-connection.js';
import type { LedReport } from './led-report.js';
import { Pair, type PairHome } from './pair.js';
import type { Command, FailedCall } from './protocol.js';
import { isSameAddress } from './socket-address.js';
import { EPOLLERR, EPOLLHUP, EPOLLOUT, ETIMEDOUT, isScarce, SO_ERROR, SOL_SOCKET } from './sys.js';
import { Table } from './table.js';
import { INTEREST, type Joined, Wire } from './wire.js';

/** The number of every connection that was led on: by its flow alone it is spoken of. */
export const LED = 0;

/** What leads need of their loop. */
export interface LeadsHome extends PairHome {
  nextArrival(): number;
  /** Both ends are there, and it owns them. */
  led(pair: Pair): void;
  sweepSoon(): void;
}

type Way = Extract<Command, { kind: 'route' }>;

/** Connections that arrived and are led on by a route, until both ends are there; nobody has been asked about them. */
export class Leads {
  readonly home: LeadsHome;
  readonly report: LedReport;
  readonly #routes = new Map<number, Way>();
  readonly #connecting = new Table<Lead>();
  /** The main thread has not taken note of so many. */
  #untold = 0;
  #room = 0;
  #open = 0;

  constructor(home: LeadsHome, report: LedReport) {
    this.home = home;
    this.report = report;
  }

  /** All connections that were led on, both ends of each, also of those that have been joined. */
  get open(): number {
    return this.#open;
  }

  get isWaiting(): boolean {
    return this.#connecting.size > 0;
  }

  /** From here on. */
  route(way: Way): void {
    if (way.to === null) this.#routes.delete(way.listener);
    else this.#routes.set(way.listener, way);
    this.#room = way.room;
  }

  leave(listener: number): void {
    this.#routes.delete(listener);
  }

  /** The main thread has taken note of so many; of `room` more it need not have, from here on. */
  told(count: number, room: number): void {
    this.#untold -= count;
    this.#room = room;
  }

  /**
   * Takes on a connection whose client's address accept4(2) has left in the arena. False: it is to be handed over, and
   * its descriptor is still the caller's.
   */
  take(listener: number, fd: number): boolean {
    const way = this.#routes.get(listener);
    if (way === undefined || way.to === null || this.#untold >= this.#room || this.report.isFull) return false;
    const { descriptors, now } = this.home;
    const { bytes } = descriptors.arena;
    if (way.except.length > 0) {
      const client = bytes.subarray(ADDRESS_AT, ADDRESS_AT + SOCKET_ADDRESS_BYTES);
      if (way.except.some((address) => isSameAddress(address, client))) return false;
    }
    const flow = this.home.nextArrival();
    this.#untold += 1;
    this.report.begun(flow, way.era, bytes, ADDRESS_AT);
    const begun = beginConnection(descriptors, way.to, way.source);
    if ('call' in begun) {
      // As a machine that refuses.
      descriptors.reset(fd);
      this.failed(flow, begun.call, begun.errno);
      return true;
    }
    this.#open += 2;
    const lead = new Lead(flow, fd, begun.fd, now + way.timeout, this);
    this.#connecting.set(flow, lead);
    this.home.sweepSoon();
    lead.begin();
    return true;
  }

  /** Ends it, if it is still on its way. */
  cut(flow: number): void {
    this.#connecting.get(flow)?.cut();
  }

  /** Gives up on those who have not answered in time. */
  look(now: number): void {
    for (const lead of this.#connecting.values()) if (now >= lead.endsBy) lead.fail(ETIMEDOUT);
  }

  closeAll(): void {
    for (const lead of this.#connecting.values()) lead.cut();
  }

  /** One end of one of them has been given back. */
  gone(): void {
    this.#open -= 1;
  }

  /** It is on its way no more. */
  left(flow: number): void {
    this.#connecting.delete(flow);
  }

  failed(flow: number, call: FailedCall, errno: number): void {
    this.report.failed(flow, call, errno);
    if (isScarce(errno)) this.home.short();
  }
}

/** One connection that arrived, and the one that is to become its other end. It owns both. */
class Lead implements Joined {
  readonly endsBy: number;
  readonly #flow: number;
  readonly #near: Wire;
  readonly #far: Wire;
  readonly #leads: Leads;

  constructor(flow: number, near: number, far: number, endsBy: number, leads: Leads) {
    this.endsBy = endsBy;
    this.#flow = flow;
    this.#near = new Wire(LED, near, leads.home, 'open');
    this.#far = new Wire(LED, far, leads.home, 'open');
    this.#leads = leads;
  }

  begin(): void {
    this.#far.join(this);
    this.#watch(this.#far);
  }

  /** connect(2): whether it came about is told by the socket's error. */
  ready(far: Wire, events: number): void {
    const { descriptors } = this.#leads.home;
    const isBroken = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    const error = isBroken ? descriptors.option(far.fd, SOL_SOCKET, SO_ERROR) : 0;
    if (error !== 0) this.fail(Math.abs(error));
    else if ((events & EPOLLOUT) !== 0 && this.#watch(this.#near)) this.#join(events);
  }

  fail(errno: number): void {
    this.#close();
    this.#leads.failed(this.#flow, 'other', errno);
  }

  cut(): void {
    this.#close();
    this.#leads.report.over(this.#flow, 'cut', 0, 0);
  }

  #join(events: number): void {
    const { home } = this.#leads;
    this.#leads.left(this.#flow);
    const pair = new Pair(this.#flow, this.#near, this.#far, home);
    home.led(pair);
    pair.start(events);
  }

  #watch(wire: Wire): boolean {
    const watched = this.#leads.home.descriptors.watch(wire.fd, INTEREST, wire);
    if (watched < 0) this.fail(-watched);
    return watched >= 0;
  }

  #close(): void {
    this.#leads.left(this.#flow);
    this.#far.close('reset');
    this.#near.close('reset');
  }
}
