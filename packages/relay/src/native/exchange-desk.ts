import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow';
import type { ListenError } from '../contracts.js';
import type { Exchange, ExchangeOptions, Letter } from '../exchange-contract.js';
import { listenErrorOf } from '../stream-errors.js';
import { nameOf } from './errno-names.js';
import { type Carried, EXCHANGE_COUNTS, type ExchangeCommand, type ExchangeNews } from './exchange-protocol.js';
import type { Host } from './host.js';
import { socketAddressOf } from './socket-address.js';

/** The engine has failed as a whole. */
const GONE = { kind: 'failed', code: 'ESHUTDOWN' } as const;
const NO_ADDRESS = { kind: 'failed', code: 'EINVAL' } as const;

interface Known {
  readonly options: ExchangeOptions;
  readonly opened: (outcome: Result<Exchange, ListenError>) => void;
  /** Who waits for `exchange_settled`, in order. */
  readonly settling: (() => void)[];
  readonly closing: (() => void)[];
}

/** What a desk needs of its engine. */
export interface DeskHome {
  readonly host: Host;
  nextId(): number;
  /** How many sockets there are has changed. */
  onPlaces(): void;
}

/** The main thread's side of a loop's exchanges. */
export class ExchangeDesk {
  readonly #home: DeskHome;
  readonly #known = new Map<number, Known>();
  #isGone = false;

  constructor(home: DeskHome) {
    this.#home = home;
  }

  get size(): number {
    return this.#known.size;
  }

  open(options: ExchangeOptions): ResultAsync<Exchange, ListenError> {
    const at = socketAddressOf({ address: options.address, port: 0 });
    if (at === null) return errAsync(NO_ADDRESS);
    if (this.#isGone) return errAsync(GONE);
    const id = this.#home.nextId();
    this.#post({ kind: 'open_exchange', id, at });
    return new ResultAsync(
      new Promise((opened) => {
        this.#known.set(id, { options, opened, settling: [], closing: [] });
        this.#home.onPlaces();
      }),
    );
  }

  hear(news: ExchangeNews): void {
    switch (news.kind) {
      case 'exchange_open':
        this.#opened(news.id, news.port);
        return;
      case 'exchange_not_open':
        this.#forget(news.id)?.opened(err(listenErrorOf({ code: nameOf(news.errno) })));
        return;
      case 'letters':
        this.#read(news);
        return;
      case 'leases_due':
        this.#renew(news);
        return;
      case 'exchange_settled':
        this.#carried(news.id, news);
        this.#known.get(news.id)?.settling.shift()?.();
        return;
      case 'exchange_over':
        this.#carried(news.id, news);
        this.#over(news.id);
        return;
      default: {
        const never: never = news;
        throw new Error(`there is no news ${JSON.stringify(never)}`);
      }
    }
  }

  count(counts: Float64Array): void {
    for (let i = 0; i < counts.length; i += EXCHANGE_COUNTS) {
      const [id = 0, sent = 0, received = 0, datagrams = 0, lost = 0] = counts.subarray(i, i + EXCHANGE_COUNTS);
      this.#carried(id, { sent, received, datagrams, lost });
    }
  }

  /** The loop is gone, and all its sockets with it. */
  fail(): void {
    this.#isGone = true;
    for (const [id, { opened }] of [...this.#known]) {
      opened(err(GONE));
      this.#over(id);
    }
  }

  #opened(id: number, port: number): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    known.opened(
      ok({
        local: { address: known.options.address, port },
        answerTo: (client) => {
          const name = socketAddressOf(client);
          if (name !== null) this.#post({ kind: 'answer_to', id, client: name });
        },
        send: (letter) => this.#send(id, known, letter),
        recall: (closing) => this.#settle(id, closing ?? 'leases'),
        counted: () => this.#settle(id, 'nothing'),
        close: () => this.#close(id),
      }),
    );
  }

  #send(id: number, { options }: Known, { payload, to, source, header }: Letter): void {
    const name = socketAddressOf(to);
    const from = source === null ? null : socketAddressOf({ address: source, port: 0 });
    if (name === null || (source !== null && from === null)) options.lost(1);
    else this.#post({ kind: 'send_letter', id, to: name, source: from, payload, header });
  }

  #read({ id, letters }: Extract<ExchangeNews, { kind: 'letters' }>): void {
    const known = this.#known.get(id);
    // Being closed, it lets nobody send; the loop forgets those who wait by itself.
    if (known === undefined || known.closing.length > 0) return;
    for (const { bytes, from } of letters) known.options.heard(bytes, from);
    this.#post({ kind: 'letters_read', id, letters: letters.map(({ letter }) => letter) });
  }

  #renew({ id, leases }: Extract<ExchangeNews, { kind: 'leases_due' }>): void {
    const options = this.#known.get(id)?.options;
    const going = leases.filter(({ to }) => options?.mayGoOn(to) === true).map(({ lease }) => lease);
    if (going.length > 0) this.#post({ kind: 'go_on', id, leases: going });
  }

  #carried(id: number, { sent, received, datagrams, lost }: Carried): void {
    const options = this.#known.get(id)?.options;
    if (sent + received + datagrams > 0) options?.carried(sent, received, datagrams);
    if (lost > 0) options?.lost(lost);
  }

  #settle(id: number, recalls: 'nothing' | 'leases' | 'ipv6'): Promise<void> {
    const known = this.#known.get(id);
    if (known === undefined) return Promise.resolve();
    this.#post({ kind: 'settle_exchange', id, recalls });
    return new Promise((resolve) => known.settling.push(resolve));
  }

  #close(id: number): Promise<void> {
    const known = this.#known.get(id);
    if (known === undefined) return Promise.resolve();
    if (known.closing.length === 0) this.#post({ kind: 'close_exchange', id });
    return new Promise((resolve) => known.closing.push(resolve));
  }

  #over(id: number): void {
    const known = this.#forget(id);
    for (const done of [...(known?.settling ?? []), ...(known?.closing ?? [])]) done();
  }

  #forget(id: number): Known | undefined {
    const known = this.#known.get(id);
    this.#known.delete(id);
    this.#home.onPlaces();
    return known;
  }

  #post(command: ExchangeCommand): void {
    this.#home.host.post(command);
  }
}
