import type { Instant, Millis } from '@hurricane/core';
import type { Endpoint, Flow, FlowEnd, FlowRefusal, Leg } from '../../contracts.js';
import { liveWay } from '../../names/live-way.js';
import { CallOff, type Signal } from '../../signal.js';
import { readDatagram } from '../codec-read.js';
import { LONGEST_PAYLOAD, writeDatagram } from '../codec-write.js';
import type { DatagramDrop } from '../counters.js';
import type { Service } from '../service.js';
import { NameCache } from './name-cache.js';
import { Outlet } from './outlet.js';
import type { UdpPort } from './port.js';

/** RFC 4787 REQ-5: at least 2 minutes, 5 recommended. REQ-6: what the client sends counts. */
export const ASSOCIATION_IDLE: Millis = 300_000;

/** What a new flow shows as its target: an association has many. */
const ANYWHERE: Endpoint = { address: '::', port: 0 };

/** One client's datagrams, out and back (RFC 1928 section 7), for as long as its control connection lives. */
export class Association {
  readonly #service: Service;
  readonly #leg: Leg;
  readonly #names: NameCache;
  readonly #over = new CallOff();
  readonly #outlets: { readonly 4: Outlet; readonly 6: Outlet };
  /** Where its datagrams come from. Null until the first, unless it has said so. */
  #clientPort: number | null;
  #near: UdpPort | null = null;
  #flow: Flow | null = null;
  /** The tunnel's address that IPv6 leaves from. Null: there is no tunnel. */
  #source: string | null = null;
  #lastSent: Instant;
  #alarm: { cancel(): void } | null = null;

  constructor(service: Service, leg: Leg, clientPort: number | null) {
    this.#service = service;
    this.#leg = leg;
    this.#clientPort = clientPort;
    this.#names = new NameCache(service, this.#over.signal);
    this.#lastSent = service.clock.now();
    this.#outlets = { 4: new Outlet(4, this.#fromOutside), 6: new Outlet(6, this.#fromOutside) };
  }

  /** Aborted once it has come to its end by itself. */
  get over(): Signal {
    return this.#over.signal;
  }

  /** Takes its place among the flows. Null: it has one. */
  begin(near: UdpPort): FlowRefusal | null {
    this.#near = near;
    const refusal = this.#attach();
    if (refusal === null) this.#watchIdleness();
    return refusal;
  }

  end(end: FlowEnd): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#alarm?.cancel();
    this.#near?.close();
    this.#outlets[4].close();
    this.#outlets[6].close();
    this.#service.log.log('debug', 'SOCKS5 association ends', { flow: this.#flow?.id ?? null, end });
    this.#flow?.closed(end);
    this.#flow = null;
  }

  /** To be called with everything that arrives at the near socket. */
  readonly fromClient = (datagram: Uint8Array, from: Endpoint): void => {
    this.#note(this.#forward(datagram, from));
  };

  readonly #fromOutside = (payload: Uint8Array, from: Endpoint): void => {
    this.#note(this.#deliver(payload, from));
  };

  /** Null: it is on its way. */
  #forward(datagram: Uint8Array, from: Endpoint): DatagramDrop | null {
    // RFC 1928 section 7: from no address but the client's.
    if (from.address !== this.#leg.remote.address || from.port !== (this.#clientPort ?? from.port)) return 'stranger';
    const read = readDatagram(datagram);
    if (read.kind === 'bad') return read.fault === 'fragmented' ? 'fragmented' : 'malformed';
    this.#clientPort ??= from.port;
    this.#lastSent = this.#service.clock.now();
    const { target, length } = read.value;
    const payload = datagram.subarray(length);
    if (target.kind === 'address') return this.#send(payload, target);
    const { port } = target;
    const found = this.#names.find(target.name, port, (address) => {
      this.#note(address === null ? 'unresolved' : this.#send(payload, { address, port }));
    });
    return found ? null : 'unresolved';
  }

  #deliver(payload: Uint8Array, from: Endpoint): DatagramDrop | null {
    if (this.#clientPort === null) return 'no_client';
    if (payload.length > LONGEST_PAYLOAD) return 'unsendable';
    const client = { address: this.#leg.remote.address, port: this.#clientPort };
    if (this.#near?.send(writeDatagram(from, payload), client) !== true) return 'unsendable';
    this.#flow?.count(0, payload.length);
    return null;
  }

  #send(payload: Uint8Array, to: Endpoint): DatagramDrop | null {
    if (this.#over.signal.aborted) return null;
    if (!this.#service.permits(to)) return 'denied';
    const family = to.address.includes(':') ? 6 : 4;
    if (family === 4 ? this.#service.ipv4 === 'only6' : !this.#findWay()) return 'no_way';
    if (this.#flow === null && this.#attach() !== null) {
      this.end('stopped');
      return null;
    }
    const source = family === 6 ? this.#source : null;
    if (!this.#outlets[family].send(payload, to, source)) return 'unsendable';
    this.#flow?.count(payload.length, 0);
    return null;
  }

  /** An association that is without a tunnel takes the first there is. */
  #findWay(): boolean {
    if (this.#source !== null) return true;
    if (liveWay(this.#service.ways) === null) return false;
    this.#flow?.closed('finished');
    this.#flow = null;
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
      this.end(end);
      return;
    }
    this.#outlets[6].close();
    this.#flow = null;
    this.#source = null;
    flow.closed(end);
  }

  readonly #watchIdleness = (): void => {
    const due = this.#lastSent + ASSOCIATION_IDLE;
    if (this.#service.clock.now() >= due) this.end('idle');
    else this.#alarm = this.#service.clock.alarm(due, 'SOCKS5 association', this.#watchIdleness);
  };

  #note(drop: DatagramDrop | null): void {
    if (drop !== null) this.#service.counters.dropped(drop);
  }
}
