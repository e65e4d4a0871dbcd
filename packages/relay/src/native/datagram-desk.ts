import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow';
import type { ConnectError, DatagramOptions, Flow, FlowEnd, ListenError, Listening } from '../contracts.js';
import { connectErrorOf, listenErrorOf } from '../stream-errors.js';
import type { DatagramNews } from './datagram-protocol.js';
import { nameOf } from './errno-names.js';
import { type DeskHome, ExchangeDesk } from './exchange-desk.js';
import { socketAddressOf } from './socket-address.js';

/** The engine has failed as a whole. */
const GONE = { kind: 'failed', code: 'ESHUTDOWN' } as const;
const NO_ADDRESS = { kind: 'failed', code: 'EINVAL' } as const;

interface Known {
  readonly options: DatagramOptions;
  readonly opened: (outcome: Result<Listening, ListenError>) => void;
  /** Null: it is open. */
  closed: (() => void) | null;
}

interface Going {
  readonly flow: Flow;
  readonly of: Known;
  readonly cut: () => void;
}

/** The main thread's side of a loop's datagrams: who is admitted, and what has become of them. */
export class DatagramDesk {
  readonly #home: DeskHome;
  readonly exchanges: ExchangeDesk;
  readonly #known = new Map<number, Known>();
  readonly #going = new Map<number, Going>();
  #isGone = false;

  constructor(home: DeskHome) {
    this.#home = home;
    this.exchanges = new ExchangeDesk(home);
  }

  /** Sockets that the process stays for. */
  get places(): number {
    return this.#known.size + this.exchanges.size;
  }

  open(options: DatagramOptions): ResultAsync<Listening, ListenError> {
    const { at, idle, peers } = options;
    const address = socketAddressOf(at);
    if (address === null) return errAsync(NO_ADDRESS);
    if (this.#isGone) return errAsync(GONE);
    const id = this.#home.nextId();
    this.#home.host.post({ kind: 'open_place', id, at: address, idle, peers });
    return new ResultAsync(
      new Promise((opened) => {
        this.#known.set(id, { options, opened, closed: null });
        this.#home.onPlaces();
      }),
    );
  }

  hear(news: DatagramNews): void {
    switch (news.kind) {
      case 'place_open': {
        const { id, port } = news;
        const known = this.#known.get(id);
        const local = { address: known?.options.at.address ?? '', port };
        known?.opened(ok({ local, close: () => this.#close(id) }));
        return;
      }
      case 'place_not_open':
        this.#forget(news.id)?.opened(err(listenErrorOf({ code: nameOf(news.errno) })));
        return;
      case 'place_closed':
        this.#forget(news.id)?.closed?.();
        return;
      case 'newcomer':
        this.#decide(news);
        return;
      case 'datagram_counts':
        this.#count(news);
        return;
      case 'session_over':
        this.#over(news);
        return;
      default:
        this.exchanges.hear(news);
    }
  }

  /** The loop is gone, and all its sessions with it. */
  fail(): void {
    this.#isGone = true;
    this.exchanges.fail();
    for (const flow of [...this.#going.keys()]) this.#end(flow, 'reset', null);
    for (const [id, { opened, closed }] of [...this.#known]) {
      this.#forget(id);
      opened(err(GONE));
      closed?.();
    }
  }

  #close(id: number): Promise<void> {
    const known = this.#known.get(id);
    if (known === undefined) return Promise.resolve();
    this.#home.host.post({ kind: 'close_place', id });
    return new Promise((resolve) => {
      const before = known.closed;
      known.closed = () => {
        before?.();
        resolve();
      };
    });
  }

  #forget(id: number): Known | undefined {
    const known = this.#known.get(id);
    this.#known.delete(id);
    this.#home.onPlaces();
    return known;
  }

  #decide({ place, newcomer, peer, first }: Extract<DatagramNews, { kind: 'newcomer' }>): void {
    const known = this.#known.get(place);
    // Being closed, it takes nobody; the loop forgets those who wait by itself.
    const admitted = known === undefined || known.closed !== null ? null : known.options.admit(peer, first);
    if (known === undefined || admitted === null) {
      this.#home.host.post({ kind: 'refuse', newcomer });
      return;
    }
    const { flow } = admitted;
    const to = socketAddressOf(admitted.to);
    const source = admitted.source === null ? null : socketAddressOf({ address: admitted.source, port: 0 });
    const id = this.#home.nextId();
    const cut = (): void => this.#home.host.post({ kind: 'cut_session', flow: id });
    this.#going.set(id, { flow, of: known, cut });
    flow.signal.addEventListener('abort', cut, { once: true });
    if (to !== null && (source !== null || admitted.source === null)) {
      this.#home.host.post({ kind: 'admit', newcomer, flow: id, to, source });
      return;
    }
    this.#home.host.post({ kind: 'refuse', newcomer });
    this.#end(id, 'reset', NO_ADDRESS);
  }

  #count({ counts, lost, exchanges }: Extract<DatagramNews, { kind: 'datagram_counts' }>): void {
    for (let i = 0; i < counts.length; i += 3)
      this.#going.get(counts[i] ?? 0)?.flow.count(counts[i + 1] ?? 0, counts[i + 2] ?? 0);
    for (let i = 0; i < lost.length; i += 2) this.#known.get(lost[i] ?? 0)?.options.lost(lost[i + 1] ?? 0);
    this.exchanges.count(exchanges);
    this.#home.host.post({ kind: 'datagrams_counted' });
  }

  #over({ flow: id, end, sent, received, fault }: Extract<DatagramNews, { kind: 'session_over' }>): void {
    const flow = this.#going.get(id)?.flow;
    if (sent > 0 || received > 0) flow?.count(sent, received);
    const how = end === 'cut' && flow !== undefined ? (flow.signal.reason as FlowEnd) : end;
    const bind = fault?.call === 'bind' ? { syscall: 'bind' } : {};
    const error = fault === null ? null : connectErrorOf({ code: nameOf(fault.errno), ...bind });
    this.#end(id, how === 'cut' ? 'reset' : how, error);
  }

  #end(id: number, end: FlowEnd, fault: ConnectError | null): void {
    const going = this.#going.get(id);
    if (going === undefined) return;
    this.#going.delete(id);
    going.flow.signal.removeEventListener('abort', going.cut);
    going.flow.closed(end);
    going.of.options.over(fault);
  }
}
