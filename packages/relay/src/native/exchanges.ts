import { EXCHANGE_AT } from './arena.js';
import { Batch } from './batch.js';
import { placeSocket } from './datagram-place.js';
import type { Descriptors } from './descriptors.js';
import type { ExchangeCommand, ExchangeNews } from './exchange-protocol.js';
import { type ExchangeHome, ExchangeRelay } from './exchange-relay.js';
import { LETTERS_BYTES_OF_ALL } from './native-limits.js';
import { EPOLLIN, isScarce } from './sys.js';
import { localOf } from './wire.js';

/** What exchanges need of the datagrams of their loop. */
export interface ExchangesHome {
  readonly descriptors: Descriptors;
  readonly now: number;
  tell(news: ExchangeNews): void;
  crowded(): void;
  /** Something has been carried, which is to be told. */
  moved(): void;
}

/** All SOCKS5 clients whose datagrams a loop carries. */
export class Exchanges implements ExchangeHome {
  readonly batch: Batch;
  readonly #home: ExchangesHome;
  readonly #exchanges = new Map<number, ExchangeRelay>();
  /** Those that have carried something since it was last told. */
  readonly #moved = new Set<ExchangeRelay>();
  #bytes = 0;

  constructor(home: ExchangesHome) {
    this.#home = home;
    this.batch = new Batch(home.descriptors.sys, EXCHANGE_AT, 'both');
  }

  get descriptors(): Descriptors {
    return this.#home.descriptors;
  }

  get now(): number {
    return this.#home.now;
  }

  do(command: ExchangeCommand): void {
    if (command.kind === 'open_exchange') {
      this.#open(command);
      return;
    }
    const exchange = this.#exchanges.get(command.id);
    if (exchange === undefined) return;
    switch (command.kind) {
      case 'close_exchange':
        this.#close(exchange);
        return;
      case 'answer_to':
        exchange.answerTo(command.client);
        return;
      case 'send_letter':
        exchange.send(command);
        return;
      case 'letters_read':
        exchange.read(command.letters);
        return;
      case 'go_on':
        exchange.leases.renew(command.leases, this.now);
        return;
      case 'settle_exchange':
        if (command.recalls !== 'nothing') exchange.leases.clear();
        if (command.recalls === 'ipv6') exchange.closeIpv6();
        this.tell({ kind: 'exchange_settled', id: exchange.id, ...exchange.takeCarried() });
        return;
      default: {
        const never: never = command;
        throw new Error(`there is no command ${JSON.stringify(never)}`);
      }
    }
  }

  tell(news: ExchangeNews): void {
    this.#home.tell(news);
  }

  crowded(): void {
    this.#home.crowded();
  }

  moved(exchange: ExchangeRelay): void {
    this.#moved.add(exchange);
    this.#home.moved();
  }

  take(bytes: number): boolean {
    if (this.#bytes + bytes > LETTERS_BYTES_OF_ALL) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** What `datagram_counts` says of those that have carried something, and leases that hold no more are forgotten. */
  takeCounts(): readonly number[] {
    const counts: number[] = [];
    for (const exchange of this.#moved) {
      const { sent, received, datagrams, lost } = exchange.takeCarried();
      if (sent + received + datagrams + lost > 0) counts.push(exchange.id, sent, received, datagrams, lost);
      exchange.leases.look(this.now);
    }
    this.#moved.clear();
    return counts;
  }

  close(): void {
    for (const exchange of [...this.#exchanges.values()]) this.#close(exchange);
  }

  #open({ id, at }: Extract<ExchangeCommand, { kind: 'open_exchange' }>): void {
    const { descriptors } = this.#home;
    const fd = placeSocket(descriptors, at);
    const local = fd < 0 ? fd : localOf(descriptors, fd);
    const exchange = new ExchangeRelay(id, fd, this);
    const failed = typeof local === 'number' ? local : descriptors.watch(fd, EPOLLIN, exchange);
    if (failed < 0 || typeof local === 'number') {
      if (fd >= 0) descriptors.close(fd);
      if (isScarce(-failed)) this.crowded();
      this.tell({ kind: 'exchange_not_open', id, errno: -failed });
      return;
    }
    this.#exchanges.set(id, exchange);
    this.tell({ kind: 'exchange_open', id, port: local.port });
  }

  #close(exchange: ExchangeRelay): void {
    exchange.close();
    this.#exchanges.delete(exchange.id);
    this.#moved.delete(exchange);
    this.tell({ kind: 'exchange_over', id: exchange.id, ...exchange.takeCarried() });
  }
}
