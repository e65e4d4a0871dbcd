import type { Endpoint, Leg } from '../../contracts.js';
import { joinSignals } from '../../deadline.js';
import { liveWay } from '../../names/live-way.js';
import type { Signal } from '../../signal.js';
import type { Target } from '../codec.js';
import type { Asked } from '../handshake.js';
import { refuse, type Service, succeed } from '../service.js';
import { Association } from './association.js';
import { portableExchange } from './portable-exchange.js';

/** What a client may say on its control connection, where nothing is to be said. */
const CHATTER_AT_MOST = 1_024;

/** UDP ASSOCIATE (RFC 1928 section 4): datagrams are carried for as long as the control connection lives. */
export async function associate(
  leg: Leg,
  { request, rest }: Asked,
  service: Service,
  signal: Signal,
  opened: () => void,
): Promise<void> {
  if (service.ipv4 === 'only6' && liveWay(service.ways) === null) return refuse(leg, 'network_unreachable', service);
  const association = new Association(service, leg, announcedPort(request.target, leg));
  const exchange = await (service.engine.exchange ?? portableExchange)(association.options);
  if (exchange.isErr()) return refuse(leg, 'general_failure', service);
  const refusal = association.begin(exchange.value);
  if (refusal !== null) {
    await exchange.value.close();
    service.counters.failed(refusal.kind);
    return refuse(leg, 'general_failure', service);
  }
  opened();
  service.counters.associations += 1;
  await live(leg, exchange.value.local, association, rest.length, service, signal);
  service.counters.associations -= 1;
  await association.end(signal.aborted ? 'stopped' : 'finished');
  leg.end();
}

async function live(
  leg: Leg,
  bound: Endpoint,
  association: Association,
  said: number,
  service: Service,
  signal: Signal,
): Promise<void> {
  if (!(await succeed(leg, bound, service))) return;
  const over = joinSignals([signal, association.over]);
  let chatter = said;
  while (chatter <= CHATTER_AT_MOST) {
    const bytes = await leg.read(over.signal);
    if (bytes.isErr() || bytes.value === null) break;
    chatter += bytes.value.length;
  }
  over.end();
}

/**
 * The port that a client says it will send from. RFC 1928 section 6: all zeros when it does not know. A client behind
 * a translator knows only addresses of its own side, and so of no port that counts here.
 */
function announcedPort(target: Target, leg: Leg): number | null {
  if (target.kind !== 'address' || target.port === 0) return null;
  const isOwn = target.address === leg.remote.address || /^[0.:]+$/.test(target.address);
  return isOwn ? target.port : null;
}
