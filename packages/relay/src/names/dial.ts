import type { Clock, Ipv4Policy, Millis } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { ConnectError, Endpoint, Engine, Way, Ways } from '../contracts.js';
import { startDeadline } from '../deadline.js';
import type { Signal } from '../signal.js';
import { readName } from './name.js';
import { type Lookup, type RaceFailure, race } from './race.js';
import { type Family, type NameError, type Resolver, usableAddresses } from './resolver.js';
import { ATTEMPT_LIMIT, type Reached, Tunnels } from './tunnels.js';

// From what a client asked for to a connection: name, rules, the race over its addresses, and the way out.

/** For one connection, its name included. Clients and people give up earlier. */
export const DIAL_LIMIT: Millis = 20_000;

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
  /** Whether the first connection to an address tries every healthy tunnel. */
  readonly raceTunnels: boolean;
  /** Whether clients may reach it. */
  permits(to: Endpoint): boolean;
}

/** Where to: a name field or an address as text. */
export interface Destination {
  readonly text: string;
  readonly port: number;
}

export class Dialer {
  readonly #parts: DialerParts;
  readonly #tunnels: Tunnels;

  constructor(parts: DialerParts) {
    this.#parts = parts;
    this.#tunnels = new Tunnels(parts);
  }

  /** Settles within `DIAL_LIMIT`, and promptly once `signal` aborts. */
  dial(to: Destination, signal: Signal): ResultAsync<Reached, DialError> {
    return new ResultAsync(this.#dial(to, signal));
  }

  /** The way to an address, where there is one only (`way` null: it leaves by none of ours). Null: it has to dial. */
  plain(to: Endpoint): { readonly way: Way | null } | null {
    const isV6 = to.address.includes(':');
    if ((!isV6 && this.#parts.ipv4 === 'only6') || !this.#parts.permits(to)) return null;
    if (!isV6) return { way: null };
    const way = this.#tunnels.plain(to);
    return way === null ? null : { way };
  }

  /** The way to an address has failed. */
  forget(to: Endpoint): void {
    this.#tunnels.forget(to);
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
    const ask = (family: Family, signal: Signal): ResultAsync<readonly string[], NameError> =>
      resolver.resolve(named.name, family, signal).map((texts) => usableAddresses(texts, family));
    return ok(families.map((family) => ({ family, ask: (signal) => ask(family, signal) })));
  }

  #dial({ text, port }: Destination, signal: Signal): Promise<Result<Reached, DialError>> {
    const named = readName(text);
    if (named?.kind === 'address') return this.#dialAddress({ address: named.address, port }, signal);
    return this.#dialName({ text, port }, signal);
  }

  /** There is nothing to ask for and nothing to race. */
  async #dialAddress(to: Endpoint, signal: Signal): Promise<Result<Reached, DialError>> {
    if (signal.aborted) return err({ kind: 'aborted' });
    if (!this.#parts.permits(to)) return err({ kind: 'denied' });
    const deadline = startDeadline(this.#parts.clock, DIAL_LIMIT, 'dial', signal);
    const reached = await this.#attempt(to, to.address.includes(':') ? 6 : 4, deadline.signal);
    const { expired } = deadline;
    const isTooLate = deadline.signal.aborted;
    deadline.end();
    if (reached.isOk() && isTooLate) reached.value.leg.reset();
    if (expired) return err({ kind: 'timed_out' });
    return isTooLate ? err({ kind: 'aborted' }) : reached;
  }

  async #dialName({ text, port }: Destination, signal: Signal): Promise<Result<Reached, DialError>> {
    const lookups = this.lookups(text);
    if (lookups.isErr()) return err({ kind: 'name', error: lookups.error });
    const { clock, ipv4 } = this.#parts;
    const deadline = startDeadline(clock, DIAL_LIMIT, 'dial', signal);
    const denied: string[] = [];
    const reached = await race<Reached>({
      clock,
      lookups: lookups.value.map((lookup) => this.#permitted(lookup, port, denied)),
      attempt: (address, family, over) => new ResultAsync(this.#attempt({ address, port }, family, over)),
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

  async #attempt(to: Endpoint, family: Family, signal: Signal): Promise<Result<Reached, ConnectError>> {
    if (family === 6) return this.#tunnels.connect(to, signal);
    // No tunnel carries IPv4, and what has to be IPv6 does not leave by another path.
    if (this.#parts.ipv4 === 'only6') return err({ kind: 'network_unreachable' });
    const leg = await this.#parts.engine.connect({ to, source: null, timeout: ATTEMPT_LIMIT, signal });
    return leg.isOk() ? ok({ leg: leg.value, way: null }) : err(leg.error);
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
