import type { Clock, Ipv4Policy, Millis } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { ConnectError, Endpoint, Engine, Leg, Way, Ways } from '../contracts.js';
import { startDeadline } from '../deadline.js';
import { liveWay, onLoss } from './live-way.js';
import { readName } from './name.js';
import { type Lookup, type RaceFailure, race } from './race.js';
import { type Family, type NameError, type Resolver, usableAddresses } from './resolver.js';

// From what a client asked for to a connection: name, rules, the race over its addresses, and the way out.

/** For one connection, its name included. Clients and people give up earlier. */
export const DIAL_LIMIT: Millis = 20_000;

/** For one address. tcp(7): the fourth SYN leaves after 7 s; what is not answered 3 s later hardly will be. */
export const ATTEMPT_LIMIT: Millis = 10_000;

/** A way that is lost under an attempt is replaced by the next one so often. */
const WAYS_TRIED = 3;

export type DialError =
  | ConnectError
  /** Every address is one that clients may not reach. */
  | { readonly kind: 'denied' }
  | { readonly kind: 'name'; readonly error: NameError };

export interface DialerParts {
  readonly engine: Engine;
  readonly ways: Ways;
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly ipv4: Ipv4Policy;
  /** Whether clients may reach it. */
  permits(to: Endpoint): boolean;
}

/** A connection, and the tunnel it leaves by; null: none of ours (IPv4). */
export interface Reached {
  readonly leg: Leg;
  readonly way: Way | null;
}

/** Where to: a name field or an address as text. */
export interface Destination {
  readonly text: string;
  readonly port: number;
}

export class Dialer {
  readonly #parts: DialerParts;

  constructor(parts: DialerParts) {
    this.#parts = parts;
  }

  /** Settles within `DIAL_LIMIT`, and promptly once `signal` aborts. */
  dial(to: Destination, signal: AbortSignal): ResultAsync<Reached, DialError> {
    return new ResultAsync(this.#dial(to, signal));
  }

  /** The lookups for what a name field says, in the order in which they are to be made. */
  lookups(text: string): Result<readonly Lookup[], NameError> {
    const named = readName(text);
    if (named === null) return err({ kind: 'not_a_name' });
    if (named.kind === 'address') {
      const family: Family = named.address.includes(':') ? 6 : 4;
      return ok([{ family, ask: () => okAsync([named.address]) }]);
    }
    const families: readonly Family[] = this.#parts.ipv4 === 'only6' ? [6] : [6, 4];
    const { resolver } = this.#parts;
    const ask = (family: Family, signal: AbortSignal): ResultAsync<readonly string[], NameError> =>
      resolver.resolve(named.name, family, signal).map((texts) => usableAddresses(texts, family));
    return ok(families.map((family) => ({ family, ask: (signal) => ask(family, signal) })));
  }

  async #dial({ text, port }: Destination, signal: AbortSignal): Promise<Result<Reached, DialError>> {
    const lookups = this.lookups(text);
    if (lookups.isErr()) return err({ kind: 'name', error: lookups.error });
    const { clock, ipv4 } = this.#parts;
    const deadline = startDeadline(clock, DIAL_LIMIT, 'dial', signal);
    const denied: string[] = [];
    const reached = await race<Reached>({
      clock,
      lookups: lookups.value.map((lookup) => this.#permitted(lookup, port, denied)),
      attempt: (address, family, over) => this.#attempt({ address, port }, family, over),
      discard: ({ leg }) => leg.reset(),
      prefer: ipv4 === 'allow4' ? null : 6,
      signal: deadline.signal,
    });
    const { expired } = deadline;
    deadline.end();
    return reached.mapErr((failure) => (expired ? { kind: 'timed_out' } : errorOf(failure, denied.length > 0)));
  }

  /** Rules look at addresses: a name says nothing of where it leads. */
  #permitted(lookup: Lookup, port: number, denied: string[]): Lookup {
    const { permits } = this.#parts;
    return {
      family: lookup.family,
      ask: (signal) =>
        lookup.ask(signal).map((addresses) =>
          addresses.filter((address) => {
            const permitted = permits({ address, port });
            if (!permitted) denied.push(address);
            return permitted;
          }),
        ),
    };
  }

  #attempt(to: Endpoint, family: Family, signal: AbortSignal): ResultAsync<Reached, ConnectError> {
    if (family === 6) return new ResultAsync(this.#overTunnel(to, signal));
    // No tunnel carries IPv4, and what has to be IPv6 does not leave by another path.
    if (this.#parts.ipv4 === 'only6') return new ResultAsync(Promise.resolve(err({ kind: 'network_unreachable' })));
    return this.#parts.engine
      .connect({ to, source: null, timeout: ATTEMPT_LIMIT, signal })
      .map((leg) => ({ leg, way: null }));
  }

  async #overTunnel(to: Endpoint, signal: AbortSignal): Promise<Result<Reached, ConnectError>> {
    const { engine, ways } = this.#parts;
    for (let tried = 0; tried < WAYS_TRIED && !signal.aborted; tried += 1) {
      const way = liveWay(ways);
      if (way === null) return err({ kind: 'network_unreachable' });
      const attempt = new AbortController();
      const abort = (): void => attempt.abort();
      const unwatch = onLoss(ways, way, abort);
      signal.addEventListener('abort', abort, { once: true });
      const options = { to, source: way.address, timeout: ATTEMPT_LIMIT, signal: attempt.signal };
      const leg = await engine.connect(options);
      unwatch();
      signal.removeEventListener('abort', abort);
      if (leg.isOk()) return ok({ leg: leg.value, way });
      const lost = attempt.signal.aborted || leg.error.kind === 'no_source';
      if (!lost) return err(leg.error);
    }
    return err({ kind: signal.aborted ? 'aborted' : 'network_unreachable' });
  }
}

/** What says most about the destination comes first: that it refused is more than that somebody was not reached. */
const TELLING: readonly ConnectError['kind'][] = [
  'aborted',
  'refused',
  'timed_out',
  'host_unreachable',
  'network_unreachable',
  'no_source',
  'failed',
];

/** The one error that stands for a race that nobody won. */
function errorOf({ names, attempts }: RaceFailure, denied: boolean): DialError {
  for (const kind of TELLING) {
    const found = attempts.find((attempt) => attempt.kind === kind);
    if (found !== undefined) return found;
  }
  if (denied) return { kind: 'denied' };
  return { kind: 'name', error: names[0] ?? { kind: 'no_addresses' } };
}
