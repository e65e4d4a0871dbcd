import type { Millis } from '@hurricane/core';
import type { FlowFacts, Leg, Listening, Way } from '../contracts.js';
import { joinSignals, startDeadline, unlessAborted } from '../deadline.js';
import { liveWay, onLoss } from '../names/live-way.js';
import type { Signal } from '../signal.js';
import type { Target } from './codec.js';
import { textOf } from './connect.js';
import { EarlyData } from './early-data.js';
import type { Asked } from './handshake.js';
import { refuse, type Service, succeed } from './service.js';

/** How long a port is kept open for the one connection. FTP, which BIND is for, connects within seconds. */
export const BIND_LIMIT: Millis = 60_000;

/**
 * BIND (RFC 1928 section 4): a port on the primary tunnel's address for one connection from outside. The first
 * reply says where, the second who came.
 */
export async function bind(
  leg: Leg,
  { request, rest }: Asked,
  service: Service,
  signal: Signal,
  opened: () => void,
): Promise<void> {
  const expected = await peersOf(request.target, service, signal);
  if (expected === null) return refuse(leg, 'not_allowed', service);
  if (expected !== 'anybody' && expected.length === 0) return refuse(leg, 'host_unreachable', service);
  const way = liveWay(service.ways);
  if (way === null) return refuse(leg, 'network_unreachable', service);
  const door = new Door(expected);
  const listening = await service.engine.listen({ address: way.address, port: 0 }, door.arrive);
  if (listening.isErr()) return refuse(leg, 'general_failure', service);
  const early = new EarlyData(leg, rest);
  if (await succeed(leg, listening.value.local, service))
    await awaitPeer(door, listening.value, early, way, service, signal);
  const peer = door.shut();
  void listening.value.close();
  if (early.gone.aborted || peer === null) {
    await early.drop();
    peer?.reset();
    return early.gone.aborted ? leg.reset() : refuse(leg, 'ttl_expired', service);
  }
  await early.putBack();
  await carry(leg, peer, way, service, opened);
}

/** Whom the client expects; null: one whom it may not meet. */
async function peersOf(
  target: Target,
  service: Service,
  signal: Signal,
): Promise<readonly string[] | 'anybody' | null> {
  if (target.kind === 'address' && /^[0.:]+$/.test(target.address)) return 'anybody';
  const lookups = service.dialer.lookups(textOf(target));
  // Only IPv6 arrives at a tunnel's address.
  const lookup = lookups.isOk() ? lookups.value.find(({ family }) => family === 6) : undefined;
  const found = (await lookup?.ask(signal))?.unwrapOr([]) ?? [];
  const permitted = found.filter((address) => service.permits({ address, port: target.port }));
  return found.length > 0 && permitted.length === 0 ? null : permitted;
}

/** Lets one peer in. Whoever else knocks is turned away, and does not use it up. */
class Door {
  readonly #expected: readonly string[] | 'anybody';
  #open = true;
  #peer: Leg | null = null;
  #ring: () => void = () => undefined;
  /** Resolves once somebody is in. */
  readonly rung: Promise<true> = new Promise((resolve) => {
    this.#ring = () => resolve(true);
  });

  constructor(expected: readonly string[] | 'anybody') {
    this.#expected = expected;
  }

  readonly arrive = (leg: Leg): void => {
    const welcome = this.#expected === 'anybody' || this.#expected.includes(leg.remote.address);
    if (!this.#open || !welcome) {
      leg.reset();
      return;
    }
    this.#open = false;
    this.#peer = leg;
    this.#ring();
  };

  /** Lets nobody in any more. Whoever was is the caller's. */
  shut(): Leg | null {
    this.#open = false;
    return this.#peer;
  }
}

async function awaitPeer(
  door: Door,
  listening: Listening,
  early: EarlyData,
  way: Way,
  { ways, clock }: Service,
  signal: Signal,
): Promise<void> {
  const called = joinSignals([signal, early.gone]);
  const deadline = startDeadline(clock, BIND_LIMIT, `SOCKS5 BIND on port ${listening.local.port}`, called.signal);
  const unwatch = onLoss(ways, way, () => deadline.end());
  await unlessAborted(door.rung, deadline.signal);
  unwatch();
  deadline.end();
  called.end();
}

async function carry(leg: Leg, peer: Leg, way: Way, service: Service, opened: () => void): Promise<void> {
  const facts: FlowFacts = {
    kind: 'tcp',
    origin: 'socks5 bind',
    client: leg.remote,
    target: peer.remote,
    tunnel: way.tunnel,
  };
  const flow = service.flows.open(facts);
  if (flow.isErr()) {
    peer.reset();
    service.counters.failed(flow.error.kind);
    return refuse(leg, 'general_failure', service);
  }
  opened();
  if (!(await succeed(leg, peer.remote, service))) {
    peer.reset();
    leg.reset();
    return flow.value.closed('reset');
  }
  const end = await service.engine.join(leg, peer, flow.value);
  service.log.log('debug', 'SOCKS5 BIND ends', { flow: flow.value.id, end });
}
