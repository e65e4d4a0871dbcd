import type { FlowFacts, Leg } from '../contracts.js';
import { joinSignals } from '../deadline.js';
import type { Reached } from '../names/tunnels.js';
import type { Signal } from '../signal.js';
import type { Target } from './codec.js';
import { EarlyData } from './early-data.js';
import type { Asked } from './handshake.js';
import { replyToDialError } from './reply.js';
import { refuse, type Service, succeed } from './service.js';

/** How a name field or an address is written for the dialer. */
export const textOf = (target: Target): string => (target.kind === 'name' ? target.name : target.address);

/** CONNECT (RFC 1928 section 4). `opened`: to be called once it has become a flow, which has bounds of its own. */
export async function connect(
  leg: Leg,
  { request, rest }: Asked,
  service: Service,
  signal: Signal,
  opened: () => void,
): Promise<void> {
  const early = new EarlyData(leg, rest);
  const called = joinSignals([signal, early.gone]);
  const { target } = request;
  const reached = await service.dialer.dial({ text: textOf(target), port: target.port }, called.signal);
  called.end();
  if (reached.isErr()) {
    await early.drop();
    if (early.gone.aborted) return leg.reset();
    return refuse(leg, replyToDialError(reached.error), service);
  }
  await early.putBack();
  await carry(leg, reached.value, service, opened);
}

/** Both ends are there: makes them one flow, and tells the client. */
async function carry(leg: Leg, { leg: far, way }: Reached, service: Service, opened: () => void): Promise<void> {
  const facts: FlowFacts = {
    kind: 'tcp',
    origin: 'socks5',
    client: leg.remote,
    target: far.remote,
    tunnel: way?.tunnel ?? null,
  };
  const flow = service.flows.open(facts);
  if (flow.isErr()) {
    far.reset();
    service.counters.failed(flow.error.kind);
    return refuse(leg, 'general_failure', service);
  }
  opened();
  service.log.log('debug', 'SOCKS5 connection begins', { flow: flow.value.id, tunnel: facts.tunnel });
  // RFC 1928 section 6: BND is what the target sees us as. It goes ahead of all that is joined to it, and a client that
  // cannot be told any more has reset its connection: the two are joined at once.
  void succeed(leg, far.local, service);
  const end = await service.engine.join(leg, far, flow.value);
  service.log.log('debug', 'SOCKS5 connection ends', { flow: flow.value.id, end });
}
