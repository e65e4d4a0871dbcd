import type { Leg } from '../contracts.js';
import type { Lookup } from '../names/race.js';
import type { NameError } from '../names/resolver.js';
import type { Signal } from '../signal.js';
import type { Target } from './codec.js';
import { writeNameReply, writeReply } from './codec-write.js';
import { textOf } from './connect.js';
import { replyToNameError } from './reply.js';
import { refuse, type Service } from './service.js';

/**
 * RESOLVE of Tor's socks-extensions.txt. An IPv4 address where there is one and IPv4 is allowed, as Tor itself answers:
 * torsocks has no room for another in most of its calls. Addresses that clients may not reach are not told.
 */
export async function resolve(leg: Leg, target: Target, service: Service, signal: Signal): Promise<void> {
  const lookups = service.dialer.lookups(textOf(target));
  if (lookups.isErr()) return refuse(leg, replyToNameError(lookups.error), service);
  let denied = false;
  let failure: NameError = { kind: 'no_addresses' };
  for (const lookup of inOrder(lookups.value)) {
    const answer = await lookup.ask(signal);
    if (answer.isErr()) failure = answer.error;
    if (signal.aborted) break;
    const found = answer.unwrapOr([]);
    const address = found.find((each) => service.permits({ address: each, port: target.port }));
    if (address !== undefined) return tell(leg, writeReply('succeeded', { address, port: 0 }), service);
    denied ||= found.length > 0;
  }
  return refuse(leg, denied ? 'not_allowed' : replyToNameError(failure), service);
}

const inOrder = (lookups: readonly Lookup[]): readonly Lookup[] => [...lookups].sort((a, b) => a.family - b.family);

/** RESOLVE_PTR of the same: the name of an address. */
export async function resolvePtr(leg: Leg, target: Target, service: Service, signal: Signal): Promise<void> {
  if (target.kind === 'name') return refuse(leg, 'address_type_not_supported', service);
  if (!service.permits(target)) return refuse(leg, 'not_allowed', service);
  const names = await service.resolver.reverse(target.address, signal);
  if (names.isErr()) return refuse(leg, replyToNameError(names.error), service);
  const [name] = names.value;
  if (name === undefined) return refuse(leg, 'host_unreachable', service);
  return tell(leg, writeNameReply(name), service);
}

async function tell(leg: Leg, reply: Uint8Array, service: Service): Promise<void> {
  service.counters.replied('succeeded');
  if ((await leg.write(reply)).isOk()) leg.end();
  else leg.reset();
}
