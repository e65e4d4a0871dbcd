import { contains } from '../access/networks.js';
import type { Endpoint } from '../contracts.js';
import { ADDRESS_AT } from './arena.js';
import { Names } from './client-names.js';
import { type Arrival, Handshake, type HandshakeHome } from './handshake.js';
import type { LedReport } from './led-report.js';
import { ASKED_AFTER, ASKED_IN_ONE_MESSAGE } from './native-limits.js';
import type { AskedNews, FailedCall, HandshakeCommand, News } from './protocol.js';
import { familyOf } from './socket-address.js';
import { AF_INET, isScarce } from './sys.js';
import { Table } from './table.js';
import { INTEREST, Wire } from './wire.js';

type Terms = Extract<HandshakeCommand, { kind: 'handshakes' }>;

/** Clients of listeners that speak SOCKS5: those that are heard, and those that wait for their connection. */
export class Handshakes implements HandshakeHome {
  readonly loop: HandshakeHome['loop'] & { sweepSoon(): void };
  readonly #report: LedReport;
  readonly #begun: () => void;
  readonly #terms = new Map<number, Terms>();
  readonly #all = new Table<Handshake>();
  readonly names: Names = new Names();
  #hearing = 0;
  #asked = nobody();
  #askedAt = 0;

  /** `begun`: called whenever one is heard from then on. */
  constructor(loop: Handshakes['loop'], report: LedReport, begun: () => void) {
    this.loop = loop;
    this.#report = report;
    this.#begun = begun;
  }

  get size(): number {
    return this.#all.size;
  }

  do(command: HandshakeCommand): void {
    switch (command.kind) {
      case 'handshakes':
        this.#terms.set(command.listener, command);
        return;
      case 'onward':
        for (const id of command.ids) this.#all.get(id)?.connect(command.source, command.timeout);
        return;
      case 'recall':
        this.#all.get(command.id)?.recall();
        return;
      case 'take':
        this.#all.get(command.id)?.take();
    }
  }

  /** Those that have not asked yet are handed over. */
  leave(listener: number): void {
    this.#terms.delete(listener);
    for (const handshake of this.#all.values())
      if (handshake.isHearing && handshake.arrival.listener === listener) handshake.handOver();
  }

  /**
   * Hears a connection whose client's address accept4(2) has left in the arena. False: it is to be handed over, and its
   * descriptor is still the caller's.
   */
  hear(listener: number, fd: number, local: () => Endpoint | number): boolean {
    const terms = this.#terms.get(listener);
    if (terms === undefined || this.#hearing >= terms.atOnce || !this.#admits(terms)) return false;
    const remote = this.names.at(this.loop.descriptors.arena.bytes, ADDRESS_AT);
    const here = local();
    if (typeof here === 'number') return false;
    const arrival: Arrival = { id: this.loop.nextArrival(), listener, remote, local: here, at: this.loop.now };
    const near = new Wire(arrival.id, fd, this.loop, 'open');
    if (this.loop.descriptors.watch(fd, INTEREST, near) < 0) return false;
    this.#hearing += 1;
    this.#begun();
    this.#all.set(arrival.id, new Handshake(arrival, near, this));
    this.loop.keep(near);
    this.loop.sweepSoon();
    return true;
  }

  /** One end of one of them has been given back. */
  gone(id: number): void {
    this.#all.get(id)?.gone();
  }

  /** Hands over those who take long, and gives up on those who have not answered in time. */
  look(now: number): void {
    for (const handshake of this.#all.values()) {
      const { listener, at } = handshake.arrival;
      if (handshake.isHearing && now - at >= (this.#terms.get(listener)?.patience ?? 0)) handshake.handOver();
      else if (now >= handshake.endsBy) handshake.late();
    }
  }

  /** Somebody has asked, and it has not been told: many are told of in one message. */
  get isUntold(): boolean {
    return this.#asked.ids.length > 0;
  }

  /** `isIdle`: there is nothing else to do. */
  tellAsked(isIdle: boolean): void {
    if (!this.isUntold) return;
    const isDue = this.loop.now - this.#askedAt >= ASKED_AFTER || this.#asked.ids.length >= ASKED_IN_ONE_MESSAGE;
    if (!isIdle && !isDue) return;
    this.loop.tell(this.#asked);
    this.#asked = nobody();
  }

  tell(news: News): void {
    this.loop.tell(news);
  }

  asked({ arrival }: Handshake, target: Endpoint): void {
    const asked = this.#asked;
    if (!this.isUntold) this.#askedAt = this.loop.now;
    asked.ids.push(arrival.id);
    asked.listeners.push(arrival.listener);
    asked.clients.push(arrival.remote.address);
    asked.clientPorts.push(arrival.remote.port);
    asked.locals.push(arrival.local.address);
    asked.targets.push(target.address);
    asked.ports.push(target.port);
  }

  heard(): void {
    this.#hearing -= 1;
  }

  joined(id: number): void {
    this.#report.joined(id);
  }

  left({ arrival }: Handshake): void {
    this.#all.delete(arrival.id);
  }

  failed(id: number, call: FailedCall, errno: number): void {
    this.loop.tell({ kind: 'unconnected', id, call, errno });
    if (isScarce(errno)) this.loop.short();
  }

  #admits({ clients }: Terms): boolean {
    if (clients.length === 0) return true;
    const { bytes } = this.loop.descriptors.arena;
    const isV4 = familyOf(bytes.subarray(ADDRESS_AT)) === AF_INET;
    const client = isV4
      ? bytes.subarray(ADDRESS_AT + 4, ADDRESS_AT + 8)
      : bytes.subarray(ADDRESS_AT + 8, ADDRESS_AT + 24);
    return clients.some((network) => contains(network, client));
  }
}

interface Asked extends AskedNews {
  readonly ids: number[];
  readonly listeners: number[];
  readonly clients: string[];
  readonly clientPorts: number[];
  readonly locals: string[];
  readonly targets: string[];
  readonly ports: number[];
}

function nobody(): Asked {
  return { kind: 'asked', ids: [], listeners: [], clients: [], clientPorts: [], locals: [], targets: [], ports: [] };
}
