import type { Clock, Millis } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { ConnectError, Endpoint, Engine, Leg, Way, Ways } from '../contracts.js';
import { CallOff, type Signal } from '../signal.js';
import { liveWay, onLoss } from './live-way.js';
import { type Lookup, race } from './race.js';

/** For one address. tcp(7): the fourth SYN leaves after 7 s; what is not answered 3 s later hardly will be. */
export const ATTEMPT_LIMIT: Millis = 10_000;

/** A way that is lost under an attempt is replaced by the next one so often. */
const WAYS_TRIED = 3;

/** Between tunnels that race: one has to be faster than the primary by more than this to be preferred to it. */
const TUNNEL_DELAY: Millis = 30;

/** Destinations whose fastest tunnel is remembered, some 100 B each. The one that was found longest ago gives way. */
const WINNERS_AT_MOST = 1_024;

/** A connection, and the tunnel it leaves by; null: none of ours (IPv4). */
export interface Reached {
  readonly leg: Leg;
  readonly way: Way | null;
}

export interface TunnelsParts {
  readonly engine: Engine;
  readonly ways: Ways;
  readonly clock: Clock;
  /** Whether the first connection to an address tries every healthy tunnel. */
  readonly raceTunnels: boolean;
}

/** Connects to IPv6 addresses, each time from the address of one tunnel and never from another. */
export class Tunnels {
  readonly #parts: TunnelsParts;
  /** The tunnel that was fastest, by the address it led to. */
  readonly #winners = new Map<string, string>();

  constructor(parts: TunnelsParts) {
    this.#parts = parts;
  }

  /** Settles within `WAYS_TRIED` times `ATTEMPT_LIMIT`, and promptly once `signal` aborts. */
  connect(to: Endpoint, signal: Signal): ResultAsync<Reached, ConnectError> {
    const healthy = this.#healthyToRace();
    if (healthy === null) return new ResultAsync(this.#byTurns(to, signal));
    const winner = healthy.find(({ tunnel }) => tunnel === this.#winners.get(to.address));
    if (winner !== undefined) return new ResultAsync(this.#asBefore(winner, to, signal));
    return new ResultAsync(this.#race(healthy, to, signal));
  }

  /** The way that `connect` would take, where it would not race; null: it would, or there is none. */
  plain(to: Endpoint): Way | null {
    const healthy = this.#healthyToRace();
    if (healthy === null) return liveWay(this.#parts.ways);
    return healthy.find(({ tunnel }) => tunnel === this.#winners.get(to.address)) ?? null;
  }

  /** The tunnel that was fastest to there is not to be relied on any more. */
  forget(to: Endpoint): void {
    this.#winners.delete(to.address);
  }

  /** Null: there is nothing to race with. */
  #healthyToRace(): readonly Way[] | null {
    if (!this.#parts.raceTunnels) return null;
    const healthy = this.#parts.ways.now().filter(({ liveness }) => liveness === 'alive');
    return healthy.length < 2 ? null : healthy;
  }

  /** Through the first way that lives, and the next one when that is lost meanwhile. */
  async #byTurns(to: Endpoint, signal: Signal): Promise<Result<Reached, ConnectError>> {
    for (let tried = 0; tried < WAYS_TRIED && !signal.aborted; tried += 1) {
      const way = liveWay(this.#parts.ways);
      if (way === null) return err({ kind: 'network_unreachable' });
      const reached = await this.#through(way, to, signal);
      // Aborted, and not by the caller: the way was lost.
      const lost = reached.isErr() && (reached.error.kind === 'aborted' || reached.error.kind === 'no_source');
      if (!lost) return reached;
    }
    return err({ kind: signal.aborted ? 'aborted' : 'network_unreachable' });
  }

  async #asBefore(way: Way, to: Endpoint, signal: Signal): Promise<Result<Reached, ConnectError>> {
    const reached = await this.#through(way, to, signal);
    if (reached.isOk()) return reached;
    this.forget(to);
    return reached.error.kind === 'aborted' && !signal.aborted ? this.#byTurns(to, signal) : reached;
  }

  /** Through all of them, in their order; the winner is remembered. */
  async #race(ways: readonly Way[], to: Endpoint, signal: Signal): Promise<Result<Reached, ConnectError>> {
    const sources: Lookup = { family: 6, ask: () => okAsync(ways.map(({ address }) => address)) };
    const reached = await race<Reached>({
      clock: this.#parts.clock,
      lookups: [sources],
      attempt: (source, _family, over) => {
        const way = ways.find(({ address }) => address === source);
        return new ResultAsync(
          way === undefined ? Promise.resolve(err({ kind: 'no_source' as const })) : this.#through(way, to, over),
        );
      },
      discard: ({ leg }) => leg.reset(),
      prefer: 6,
      delay: TUNNEL_DELAY,
      signal,
    });
    if (reached.isOk()) this.#remember(to.address, reached.value.way);
    return reached.mapErr(({ attempts }) => attempts[0] ?? { kind: 'network_unreachable' });
  }

  async #through(way: Way, to: Endpoint, signal: Signal): Promise<Result<Reached, ConnectError>> {
    const { engine, ways } = this.#parts;
    const attempt = new CallOff();
    const abort = (): void => attempt.abort();
    const unwatch = onLoss(ways, way, abort);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    const leg = await engine.connect({ to, source: way.address, timeout: ATTEMPT_LIMIT, signal: attempt.signal });
    unwatch();
    signal.removeEventListener('abort', abort);
    if (leg.isOk()) return ok({ leg: leg.value, way });
    return err(attempt.signal.aborted ? { kind: 'aborted' } : leg.error);
  }

  #remember(address: string, way: Way | null): void {
    if (way === null) return;
    this.#winners.delete(address);
    this.#winners.set(address, way.tunnel);
    const [oldest] = this.#winners.keys();
    if (this.#winners.size > WINNERS_AT_MOST && oldest !== undefined) this.#winners.delete(oldest);
  }
}
