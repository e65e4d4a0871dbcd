import { LONGEST_PAYLOAD } from '../socks5/codec-write.js';
import type { Batch } from './batch.js';
import { placeSocket } from './datagram-place.js';
import type { Descriptors, Watcher } from './descriptors.js';
import type { Carried, ExchangeCommand, ExchangeNews, LetterNews } from './exchange-protocol.js';
import { Leases } from './leases.js';
import { type Budget, Letters, type Line } from './letters.js';
import { Pace } from './pace.js';
import { anywhere, endpointOf, familyOf, isSame } from './socket-address.js';
import { AF_INET6, EPOLLIN, isScarce } from './sys.js';

/** What one exchange needs of those it is among. */
export interface ExchangeHome extends Budget {
  readonly descriptors: Descriptors;
  readonly now: number;
  /** One for all: what is received is sent before anything else is. */
  readonly batch: Batch;
  tell(news: ExchangeNews): void;
  crowded(): void;
  /** It has something to tell when its turn comes. */
  moved(exchange: ExchangeRelay): void;
}

type Outlet = Watcher & { readonly fd: number; readonly isV6: boolean; readonly pace: Pace };

/** One SOCKS5 client's datagrams: out without the header where a lease allows it, and back with one. */
export class ExchangeRelay implements Watcher {
  readonly id: number;
  readonly fd: number;
  readonly leases: Leases = new Leases();
  readonly #home: ExchangeHome;
  readonly #letters: Letters;
  readonly #pace = new Pace();
  readonly #outlets: { v4: Outlet | null; v6: Outlet | null } = { v4: null, v6: null };
  /** Null: it has not been told yet. */
  #client: Uint8Array | null = null;
  #sent = 0;
  #received = 0;
  #datagrams = 0;
  #lost = 0;
  #news: LetterNews[] = [];

  constructor(id: number, fd: number, home: ExchangeHome) {
    this.id = id;
    this.fd = fd;
    this.#home = home;
    this.#letters = new Letters(home);
  }

  /** One batch from the client: what is left is told of again. An error is one datagram's, and was taken with it. */
  ready(): void {
    const got = this.#receive(this.fd, this.#pace);
    if (got <= 0) return;
    // Those from `from` on all leave by `last`.
    let last: Outlet | null = null;
    let from = 0;
    for (let i = 0; i < got; i += 1) {
      const outlet = this.#onward(i);
      if (outlet !== last) {
        this.#send(last, from, i);
        last = outlet;
        from = i;
      }
      if (outlet === null) this.#ask(i);
    }
    this.#send(last, from, got);
    this.#tell();
    this.#home.moved(this);
  }

  answerTo(client: Uint8Array): void {
    this.#client = client;
  }

  send({ to, source, payload, header }: Extract<ExchangeCommand, { kind: 'send_letter' }>): void {
    const { batch, now } = this.#home;
    this.#home.moved(this);
    const outlet = this.#outletFor(to, source);
    if (outlet === null) {
      this.#lost += 1;
      return;
    }
    batch.put(0, payload);
    batch.address(0, to);
    batch.frame(0, 0);
    this.#datagrams += 1;
    this.#sent += payload.length;
    this.#send(outlet, 0, 1);
    if (header !== null) this.leases.grant(header, to, now);
  }

  /** Whoever waited for those goes on, or is judged as well. */
  read(letters: readonly number[]): void {
    for (const letter of letters) {
      const line = this.#letters.read(letter);
      if (line !== null) this.#goOn(line);
    }
    this.#tell();
    this.#home.moved(this);
  }

  closeIpv6(): void {
    this.#closeOutlet(this.#outlets.v6);
    this.#outlets.v6 = null;
  }

  close(): void {
    const { descriptors } = this.#home;
    this.leases.clear();
    this.#letters.clear();
    this.closeIpv6();
    this.#closeOutlet(this.#outlets.v4);
    this.#outlets.v4 = null;
    descriptors.close(this.fd);
  }

  takeCarried(): Carried {
    const carried = { sent: this.#sent, received: this.#received, datagrams: this.#datagrams, lost: this.#lost };
    this.#sent = 0;
    this.#received = 0;
    this.#datagrams = 0;
    this.#lost = 0;
    return carried;
  }

  #receive(fd: number, pace: Pace): number {
    const { batch } = this.#home;
    const got = pace.comesAlone ? batch.receiveOne(fd, 0) : batch.receive(fd, 0);
    if (got > 0) pace.came(got);
    return got;
  }

  /** By which socket the datagram in that slot leaves, made ready to; null: it has to be heard. */
  #onward(i: number): Outlet | null {
    const { batch, now } = this.#home;
    if (this.#client === null || batch.isCut(i) || !batch.isFrom(i, this.#client)) return null;
    const lease = this.leases.find(batch, i, now);
    if (lease === null) return null;
    const outlet = lease.isV6 ? this.#outlets.v6 : this.#outlets.v4;
    if (outlet === null) return null;
    batch.address(i, lease.to);
    batch.frame(i, lease.header.length);
    this.#datagrams += 1;
    this.#sent += batch.lengthOf(i);
    return outlet;
  }

  #send(outlet: Outlet | null, from: number, to: number): void {
    if (outlet !== null) this.#lost += this.#home.batch.send(outlet.fd, from, to);
  }

  #ask(i: number): void {
    const { batch } = this.#home;
    const key = this.#keyOf(i);
    const line = key === null ? undefined : this.#letters.lineOf(key);
    if (batch.isCut(i)) this.#lost += 1;
    else if (line !== undefined) this.#lost += this.#letters.wait(line, batch.bytesOf(i)) ? 0 : 1;
    else {
      const from = batch.nameOf(i);
      const letter = this.#letters.hand(batch.lengthOf(i), key, from);
      if (letter === null) this.#lost += 1;
      else this.#news.push({ letter, from: endpointOf(from), bytes: batch.bytesOf(i) });
    }
  }

  /** What has the same key keeps its order. Null: it waits for nobody. */
  #keyOf(i: number): string | null {
    const { batch } = this.#home;
    const length = batch.headerOf(i);
    if (length === 0 || (this.#client !== null && !batch.isFrom(i, this.#client))) return null;
    return batch.peerOf(i) + batch.textOf(i, length);
  }

  #goOn(line: Line): void {
    const { batch } = this.#home;
    const { waiting, from } = line;
    const isClient = this.#client !== null && isSame(from, this.#client);
    const [first] = waiting;
    if (first === undefined) {
      this.#letters.end(line);
      return;
    }
    for (const [i, bytes] of waiting.entries()) batch.put(i, bytes);
    const outlet = isClient ? this.#allOnward(waiting.length) : null;
    if (outlet !== null) {
      this.#send(outlet, 0, waiting.length);
      this.#letters.end(line);
      return;
    }
    waiting.shift();
    this.#news.push({ letter: this.#letters.handNext(line, first), from: endpointOf(from), bytes: first });
  }

  /** As `#onward`, of as many that all have one header. */
  #allOnward(count: number): Outlet | null {
    const { batch, now } = this.#home;
    const lease = this.leases.find(batch, 0, now);
    const outlet = lease === null ? null : lease.isV6 ? this.#outlets.v6 : this.#outlets.v4;
    if (lease === null || outlet === null) return null;
    for (let i = 0; i < count; i += 1) {
      batch.address(i, lease.to);
      batch.frame(i, lease.header.length);
      this.#sent += batch.lengthOf(i);
    }
    this.#datagrams += count;
    return outlet;
  }

  #tell(): void {
    if (this.#news.length > 0) this.#home.tell({ kind: 'letters', id: this.id, letters: this.#news });
    this.#news = [];
    const due = this.leases.takeDue();
    if (due.length === 0) return;
    const leases = due.map(({ number, to }) => ({ lease: number, to: endpointOf(to) }));
    this.#home.tell({ kind: 'leases_due', id: this.id, leases });
  }

  /** Answers from outside, to the client, whoever they are from. */
  #replies(outlet: Outlet): void {
    const { batch } = this.#home;
    const got = this.#receive(outlet.fd, outlet.pace);
    if (got <= 0) return;
    let from = 0;
    for (let i = 0; i < got; i += 1) {
      const length = batch.lengthOf(i);
      if (this.#client === null || batch.isCut(i) || length > LONGEST_PAYLOAD) {
        this.#lost += 1 + this.#home.batch.send(this.fd, from, i);
        from = i + 1;
        continue;
      }
      batch.head(i);
      batch.address(i, this.#client);
      this.#received += length;
    }
    this.#lost += batch.send(this.fd, from, got);
    this.#home.moved(this);
  }

  #outletFor(to: Uint8Array, source: Uint8Array | null): Outlet | null {
    const isV6 = familyOf(to) === AF_INET6;
    const which = isV6 ? 'v6' : 'v4';
    this.#outlets[which] ??= this.#opened(isV6, source ?? anywhere(familyOf(to)));
    return this.#outlets[which];
  }

  #opened(isV6: boolean, at: Uint8Array): Outlet | null {
    const { descriptors } = this.#home;
    const fd = placeSocket(descriptors, at);
    const outlet: Outlet = { fd, isV6, pace: new Pace(), ready: () => this.#replies(outlet) };
    const failed = fd < 0 ? fd : descriptors.watch(fd, EPOLLIN, outlet);
    if (failed >= 0) return outlet;
    if (fd >= 0) descriptors.close(fd);
    if (isScarce(-failed)) this.#home.crowded();
    return null;
  }

  #closeOutlet(outlet: Outlet | null): void {
    if (outlet !== null) this.#home.descriptors.close(outlet.fd);
  }
}
