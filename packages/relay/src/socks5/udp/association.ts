import type { Instant, Millis } from '@hurricane/core';
import type { Endpoint, Flow, FlowEnd, FlowRefusal, Leg } from '../../contracts.js';
import type { Exchange, ExchangeOptions } from '../../exchange-contract.js';
import { liveWay } from '../../names/live-way.js';
import { CallOff, type Signal } from '../../signal.js';
import { readDatagram } from '../codec-read.js';
import type { DatagramDrop } from '../counters.js';
import type { Service } from '../service.js';
import { NameCache } from './name-cache.js';
import { addressesOf } from './way-addresses.js';

/** RFC 4787 REQ-5: at least 2 minutes, 5 recommended. REQ-6: what the client sends counts. */
export const ASSOCIATION_IDLE: Millis = 300_000;

/** What a new flow shows as its target: an association has many. */
const ANYWHERE: Endpoint = { address: '::', port: 0 };

/**
 * What one client's datagrams may do (RFC 1928 section 7), for as long as its control connection lives. An exchange
 * carries them.
 */
export class Association {
  readonly #service: Service;
  readonly #leg: Leg;
  readonly #names: NameCache;
  readonly #over = new CallOff();
  /** Where its datagrams come from. Null until the first, unless it has said so. */
  #clientPort: number | null;
  #exchange: Exchange | null = null;
  #flow: Flow | null = null;
  /** Flows that are over, but not all of whose bytes have been counted; the oldest first. */
  readonly #leaving: Flow[] = [];
  /** The tunnel's address that IPv6 leaves from. Null: there is no tunnel. */
  #source: string | null = null;
  #lastSent: Instant;
  #alarm: { cancel(): void } | null = null;
  #ways: string;
  #unfollow: () => void = () => {};
  #ended: Promise<void> | null = null;

  constructor(service: Service, leg: Leg, clientPort: number | null) {
    this.#service = service;
    this.#leg = leg;
    this.#clientPort = clientPort;
    this.#names = new NameCache(service, this.#over.signal);
    this.#lastSent = service.clock.now();
    this.#ways = addressesOf(service.ways);
  }

  /** Aborted once it has come to its end by itself. */
  get over(): Signal {
    return this.#over.signal;
  }

  /** What its exchange is to be opened with: this client can reach the address that it has reached us by. */
  get options(): ExchangeOptions {
    return {
      address: this.#leg.local.address,
      heard: (bytes, from) => this.#note(this.#forward(bytes, from)),
      mayGoOn: (to) => this.#flow !== null && this.#service.permits(to),
      carried: (sent, received, datagrams) => this.#count(sent, received, datagrams),
      lost: (count) => this.#note('unsendable', count),
    };
  }

  /** Takes its place among the flows. Null: it has one. */
  begin(exchange: Exchange): FlowRefusal | null {
    this.#exchange = exchange;
    const refusal = this.#attach();
    if (refusal !== null) return refusal;
    if (this.#clientPort !== null) this.#meet(this.#clientPort);
    this.#unfollow = this.#service.ways.onChange(this.#onWays);
    this.#watchIdleness();
    return null;
  }

  /** Resolves once its sockets are closed and its flow has ended, however often it is called. */
  end(end: FlowEnd): Promise<void> {
    this.#ended ??= this.#finish(end);
    return this.#ended;
  }

  async #finish(end: FlowEnd): Promise<void> {
    this.#over.abort();
    this.#alarm?.cancel();
    this.#unfollow();
    await this.#exchange?.close();
    this.#service.log.log('debug', 'SOCKS5 association ends', { flow: this.#flow?.id ?? null, end });
    this.#flow?.closed(end);
    this.#flow = null;
  }

  /** Null: it is on its way. */
  #forward(datagram: Uint8Array, from: Endpoint): DatagramDrop | null {
    // RFC 1928 section 7: from no address but the client's.
    if (from.address !== this.#leg.remote.address || from.port !== (this.#clientPort ?? from.port)) return 'stranger';
    const read = readDatagram(datagram);
    if (read.kind === 'bad') return read.fault === 'fragmented' ? 'fragmented' : 'malformed';
    if (this.#clientPort === null) this.#meet(from.port);
    this.#lastSent = this.#service.clock.now();
    const { target, length } = read.value;
    const payload = datagram.subarray(length);
    if (target.kind === 'address') return this.#send(payload, target, datagram.subarray(0, length));
    const { port } = target;
    const found = this.#names.find(target.name, port, (address) => {
      this.#note(address === null ? 'unresolved' : this.#send(payload, { address, port }, null));
    });
    return found ? null : 'unresolved';
  }

  #meet(port: number): void {
    this.#clientPort = port;
    this.#exchange?.answerTo({ address: this.#leg.remote.address, port });
  }

  #send(payload: Uint8Array, to: Endpoint, header: Uint8Array | null): DatagramDrop | null {
    if (this.#over.signal.aborted) return null;
    if (!this.#service.permits(to)) return 'denied';
    const family = to.address.includes(':') ? 6 : 4;
    if (family === 4 ? this.#service.ipv4 === 'only6' : !this.#findWay()) return 'no_way';
    if (this.#flow === null && this.#attach() !== null) {
      void this.end('stopped');
      return null;
    }
    this.#exchange?.send({ payload, to, source: family === 6 ? this.#source : null, header });
    return null;
  }

  /** An association that is without a tunnel takes the first there is. */
  #findWay(): boolean {
    if (this.#source !== null) return true;
    if (liveWay(this.#service.ways) === null) return false;
    this.#leave('finished', this.#exchange?.counted());
    return this.#attach() === null && this.#source !== null;
  }

  /** A flow of its own, through the tunnel that new connections take at this moment. */
  #attach(): FlowRefusal | null {
    const way = liveWay(this.#service.ways);
    const flow = this.#service.flows.open({
      kind: 'udp',
      origin: 'socks5',
      client: this.#leg.remote,
      target: ANYWHERE,
      tunnel: way?.tunnel ?? null,
    });
    if (flow.isErr()) return flow.error;
    this.#flow = flow.value;
    this.#source = way?.address ?? null;
    flow.value.signal.addEventListener('abort', () => this.#onFlowEnded(flow.value), { once: true });
    return null;
  }

  /** A dead tunnel takes its socket along. The association stays, and its next datagram opens another one elsewhere. */
  #onFlowEnded(flow: Flow): void {
    if (this.#flow !== flow) return;
    const end = flow.signal.reason as FlowEnd;
    if (end !== 'tunnel_down') {
      void this.end(end);
      return;
    }
    this.#source = null;
    this.#leave(end, this.#exchange?.recall('ipv6'));
  }

  /** The flow is over once all that it carried has been counted. */
  #leave(end: FlowEnd, counted: Promise<void> = Promise.resolve()): void {
    const flow = this.#flow;
    this.#flow = null;
    if (flow === null) return;
    this.#leaving.push(flow);
    void counted.then(() => {
      this.#leaving.splice(this.#leaving.indexOf(flow), 1);
      flow.closed(end);
    });
  }

  #count(sent: number, received: number, datagrams: number): void {
    if (datagrams > 0) this.#lastSent = this.#service.clock.now();
    const [flow = this.#flow] = this.#leaving;
    flow?.count(sent, received);
  }

  /** What was allowed may have become an address of this machine. */
  readonly #onWays = (): void => {
    const ways = addressesOf(this.#service.ways);
    if (ways === this.#ways) return;
    this.#ways = ways;
    void this.#exchange?.recall(null);
  };

  readonly #watchIdleness = (): void => {
    this.#alarm = this.#service.clock.alarm(this.#lastSent + ASSOCIATION_IDLE, 'SOCKS5 association', () => {
      void this.#exchange?.counted().then(() => this.#endIfIdle());
    });
  };

  #endIfIdle(): void {
    if (this.#over.signal.aborted) return;
    if (this.#service.clock.now() >= this.#lastSent + ASSOCIATION_IDLE) void this.end('idle');
    else this.#watchIdleness();
  }

  #note(drop: DatagramDrop | null, count = 1): void {
    if (drop !== null) this.#service.counters.dropped(drop, count);
  }
}
