import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow';
import type {
  Accept,
  ConnectError,
  ConnectOptions,
  Endpoint,
  Engine,
  Flow,
  FlowEnd,
  Leg,
  ListenError,
  Listening,
  Route,
} from '../contracts.js';
import { connectErrorOf, legErrorOf, listenErrorOf } from '../stream-errors.js';
import { Callers } from './callers.js';
import { DatagramDesk } from './datagram-desk.js';
import { nameOf } from './errno-names.js';
import type { Host } from './host.js';
import { LedFlows } from './led-flows.js';
import { Listeners } from './listeners.js';
import { NativeLeg, ownLeg } from './native-leg.js';
import type { Command, News, PairEnd } from './protocol.js';
import { socketAddressOf } from './socket-address.js';

/** The engine has failed as a whole: nothing can be sent any more. */
const GONE = { kind: 'failed', code: 'ESHUTDOWN' } as const;
const NO_ADDRESS = { kind: 'failed', code: 'EINVAL' } as const;

interface Attempt {
  readonly to: Endpoint;
  readonly settle: (outcome: Result<NativeLeg, ConnectError>) => void;
}

interface Joint {
  readonly flow: Flow;
  readonly over: (end: PairEnd) => void;
}

/** The engine over a loop, wherever that runs: it numbers what there is, and keeps who waits for which answer. */
export class LoopEngine implements Engine {
  readonly name = 'native';
  readonly desk: DatagramDesk;
  readonly #host: Host;
  readonly #listeners: Listeners;
  readonly #attempts = new Map<number, Attempt>();
  readonly #legs = new Map<number, NativeLeg>();
  readonly #joints = new Map<number, Joint>();
  readonly #led: LedFlows;
  readonly #callers: Callers;
  #lastId = 0;
  #shortages = 0;
  #isGone = false;
  #isHeld = false;

  constructor(host: Host) {
    this.#host = host;
    this.desk = new DatagramDesk({ host, nextId: () => this.#nextId(), onPlaces: () => this.#hold() });
    const post = (command: Command): void => host.post(command);
    this.#led = new LedFlows(post);
    const lead = (id: number, route: Route | null): void => this.#led.lead(id, this.#nextId(), route);
    this.#listeners = new Listeners({ post, lead, hearing: () => this.#callers.hearing(host.heard) });
    this.#callers = new Callers({
      post,
      legOf: (id, ends) => this.#legOf(id, ends),
      termsOf: (listener) => this.#listeners.termsOf(listener),
    });
    host.onNews((news) => this.#hear(news));
    void host.gone.then(() => this.#fail());
  }

  get shortages(): number {
    return this.#shortages;
  }

  listen(at: Endpoint, accept: Accept): ResultAsync<Listening, ListenError> {
    const address = socketAddressOf(at);
    if (address === null) return errAsync(NO_ADDRESS);
    if (this.#isGone) return errAsync(GONE);
    const id = this.#nextId();
    const opened = this.#listeners.open(id, at, address, accept);
    this.#hold();
    return opened;
  }

  connect({ to, source, timeout, signal }: ConnectOptions): ResultAsync<NativeLeg, ConnectError> {
    const target = socketAddressOf(to);
    const from = source === null ? null : socketAddressOf({ address: source, port: 0 });
    if (target === null || (source !== null && from === null)) return errAsync(NO_ADDRESS);
    if (signal?.aborted === true) return errAsync({ kind: 'aborted' });
    if (this.#isGone) return errAsync(GONE);
    const id = this.#nextId();
    this.#host.post({ kind: 'connect', id, to: target, source: from });
    const attempt = new Promise<Result<NativeLeg, ConnectError>>((resolve) => {
      const settle = (outcome: Result<NativeLeg, ConnectError>): void => {
        clearTimeout(late);
        signal?.removeEventListener('abort', abort);
        this.#attempts.delete(id);
        resolve(outcome);
        this.#hold();
      };
      const giveUp = (error: ConnectError): void => {
        this.#host.post({ kind: 'reset', id });
        settle(err(error));
      };
      const abort = (): void => giveUp({ kind: 'aborted' });
      const late = setTimeout(() => giveUp({ kind: 'timed_out' }), timeout);
      signal?.addEventListener('abort', abort);
      this.#attempts.set(id, { to, settle });
      this.#hold();
    });
    return new ResultAsync(attempt);
  }

  async join(near: Leg, far: Leg, flow: Flow): Promise<FlowEnd> {
    const [a, b] = [ownLeg(near), ownLeg(far)];
    const toFar = await a.handOver();
    const toNear = await b.handOver();
    const end = await this.#carry(a, b, flow, { toFar, toNear });
    flow.closed(end);
    return end;
  }

  async #carry(
    near: NativeLeg,
    far: NativeLeg,
    flow: Flow,
    putBack: { readonly toFar: readonly Uint8Array[]; readonly toNear: readonly Uint8Array[] },
  ): Promise<FlowEnd> {
    const { signal } = flow;
    if (near.fault !== null || far.fault !== null || signal.aborted) {
      near.reset();
      far.reset();
      return signal.aborted ? (signal.reason as FlowEnd) : 'reset';
    }
    const id = this.#nextId();
    const cut = (): void => this.#host.post({ kind: 'cut', flow: id });
    signal.addEventListener('abort', cut, { once: true });
    const end = await new Promise<PairEnd>((over) => {
      this.#joints.set(id, { flow, over });
      this.#host.post({ kind: 'join', flow: id, near: near.id, far: far.id, ...putBack });
      near.handedOver();
      far.handedOver();
    });
    signal.removeEventListener('abort', cut);
    return end === 'cut' ? (signal.reason as FlowEnd) : end;
  }

  #hear(all: readonly News[]): void {
    let [taken, led] = [0, 0];
    for (const news of all) {
      if (news.kind === 'accepted') taken += 1;
      if (news.kind === 'asked') taken += news.ids.length;
      if (news.kind === 'led') led += news.begun.length / 2;
      this.#take(news);
    }
    if (taken + led > 0 || !this.#led.isRoomKnown)
      this.#host.post({ kind: 'took', count: taken + led, led, room: this.#led.roomToTell() });
    this.#hold();
  }

  #take(news: News): void {
    switch (news.kind) {
      case 'listening':
        this.#listeners.listening(news.id, news.port);
        return;
      case 'not_listening':
        this.#listeners.notListening(news.id, listenErrorOf({ code: nameOf(news.errno) }));
        return;
      case 'unlistened':
        this.#led.unlistened(news.id);
        this.#listeners.unlistened(news.id);
        return;
      case 'accepted':
        this.#accepted(news);
        return;
      case 'connected':
        this.#connected(news.id, news.local);
        return;
      case 'not_connected': {
        const call = news.call === 'bind' ? { syscall: 'bind' } : {};
        this.#attempts.get(news.id)?.settle(err(connectErrorOf({ code: nameOf(news.errno), ...call })));
        return;
      }
      case 'bytes':
        this.#legs.get(news.id)?.brought(news.bytes);
        return;
      case 'stopped':
        this.#legs.get(news.id)?.stopped();
        return;
      case 'wrote':
        this.#legs.get(news.id)?.wrote(news.count);
        return;
      case 'fault':
        this.#legs.get(news.id)?.broke(legErrorOf({ code: nameOf(news.errno) }));
        return;
      case 'asked':
        this.#callers.hear(news);
        return;
      case 'unconnected':
        this.#callers.unconnected(news.id, news.call, news.errno);
        return;
      case 'led':
        for (const id of news.joined) this.#joined(id);
        this.#led.hear(news);
        return;
      case 'routed':
        this.#led.routed(news.listener, news.era);
        return;
      case 'counts':
        this.#count(news.counts);
        return;
      case 'over':
        this.#over(news);
        return;
      case 'shortage':
        this.#shortages += 1;
        return;
      default:
        this.desk.hear(news);
    }
  }

  #accepted({ listener, id, local, remote, heard }: Extract<News, { kind: 'accepted' }>): void {
    if (heard !== undefined) this.#callers.handedOver();
    const accept = this.#listeners.accepts(listener);
    // Null: it was closed while this one was on its way.
    if (accept === null) {
      this.#host.post({ kind: 'reset', id });
      return;
    }
    const leg = this.#legOf(id, { local, remote });
    if (heard !== undefined) leg.unread(heard.bytes);
    accept(leg, heard);
  }

  #joined(id: number): void {
    const outcome = this.#callers.joined(id);
    if (outcome !== null) this.#led.adopt(id, outcome);
  }

  /** Nobody may wait for it any more: then its reset is under way. */
  #connected(id: number, local: Endpoint): void {
    const attempt = this.#attempts.get(id);
    attempt?.settle(ok(this.#legOf(id, { local, remote: attempt.to })));
  }

  #legOf(id: number, ends: Pick<Leg, 'local' | 'remote'>): NativeLeg {
    const leg = new NativeLeg(id, ends, this.#host, () => {
      this.#legs.delete(id);
      this.#hold();
    });
    this.#legs.set(id, leg);
    return leg;
  }

  #count(counts: Float64Array): void {
    for (let i = 0; i < counts.length; i += 3) {
      const [flow, sent, received] = [counts[i] ?? 0, counts[i + 1] ?? 0, counts[i + 2] ?? 0];
      if (flow < 0) this.#led.count(flow, sent, received);
      else this.#joints.get(flow)?.flow.count(sent, received);
    }
    this.#host.post({ kind: 'counted' });
  }

  #over({ flow, end, sent, received }: Extract<News, { kind: 'over' }>): void {
    const joint = this.#joints.get(flow);
    this.#joints.delete(flow);
    if (sent > 0 || received > 0) joint?.flow.count(sent, received);
    joint?.over(end);
  }

  /** The loop is gone: whoever waits for an answer gets one. */
  #fail(): void {
    this.#isGone = true;
    this.#listeners.fail(GONE);
    for (const { settle } of [...this.#attempts.values()]) settle(err(GONE));
    this.#callers.fail(GONE);
    for (const leg of [...this.#legs.values()]) leg.broke(GONE);
    for (const { over } of [...this.#joints.values()]) over('reset');
    this.#joints.clear();
    this.desk.fail();
    this.#led.fail();
    this.#hold();
  }

  /** The process stays while there is anything, as it does for Node's own sockets. */
  #hold(): void {
    const own = this.#listeners.size + this.#attempts.size + this.#legs.size + this.#joints.size + this.#led.size;
    const isHeld = own + this.#callers.size + this.desk.places > 0;
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#host.hold(isHeld);
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}
