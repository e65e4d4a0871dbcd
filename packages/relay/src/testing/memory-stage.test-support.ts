import type { Logger } from '@hurricane/core';
import { VirtualClock } from '@hurricane/core/testing';
import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { Engine, Flow, FlowEnd, FlowFacts, FlowRefusal, Flows, FlowView, Way, Ways } from '../contracts.js';
import type { Family, NameError, Resolver } from '../names/resolver.js';
import type { Signal } from '../signal.js';
import { type Socks5Server, serveSocks5 } from '../socks5/serve.js';
import type { Socks5Settings } from '../socks5/settings.js';
import { MemoryEngine } from './memory-engine.test-support.js';

/** A tunnel with an address of its own. */
export function aWay(change: Partial<Way> = {}): Way {
  return { tunnel: 'he', iface: 'he0', address: '2001:db8:1::2', primary: true, liveness: 'alive', ...change };
}

export class MemoryWays implements Ways {
  #ways: readonly Way[];
  readonly #listeners = new Set<() => void>();

  constructor(...ways: readonly Way[]) {
    this.#ways = ways;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  now(): readonly Way[] {
    return this.#ways;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  become(...ways: readonly Way[]): void {
    this.#ways = ways;
    for (const listener of [...this.#listeners]) listener();
  }
}

interface Kept {
  readonly facts: FlowFacts;
  readonly abort: AbortController;
  sent: number;
  received: number;
  end: FlowEnd | null;
}

export class MemoryFlows implements Flows {
  readonly all: Kept[] = [];
  refusal: FlowRefusal | null = null;

  open(facts: FlowFacts): Result<Flow, FlowRefusal> {
    if (this.refusal !== null) return err(this.refusal);
    const kept: Kept = { facts, abort: new AbortController(), sent: 0, received: 0, end: null };
    this.all.push(kept);
    return ok({
      id: this.all.length,
      signal: kept.abort.signal,
      count(sent, received) {
        kept.sent += sent;
        kept.received += received;
      },
      closed(end) {
        if (kept.end !== null) throw new Error('a flow was closed twice');
        kept.end = end;
      },
    });
  }

  list(): readonly FlowView[] {
    const living = this.all.filter(({ end }) => end === null);
    return living.map(({ facts, sent, received }, id) => ({ ...facts, id, since: 0, sent, received }));
  }

  /** Ends all that go through a tunnel, as whoever watches it would. */
  cut(tunnel: string | null, end: FlowEnd): void {
    for (const { facts, abort } of this.all) if (facts.tunnel === tunnel) abort.abort(end);
  }
}

/** What a name has; a missing name is not found, null never answers. */
export type Zone = Readonly<Record<string, readonly string[] | null>>;

export interface TableResolver extends Resolver {
  readonly asked: string[];
}

/** Names as `name/6`, `name/4`; reverse ones as `address/ptr`. */
export function tableResolver(zone: Zone): TableResolver {
  const asked: string[] = [];
  const look = (key: string, signal: Signal): ResultAsync<readonly string[], NameError> => {
    asked.push(key);
    const found = zone[key];
    if (found === null) {
      const never = new Promise<Result<readonly string[], NameError>>((resolve) => {
        signal.addEventListener('abort', () => resolve(err({ kind: 'aborted' })), { once: true });
      });
      return new ResultAsync(never);
    }
    return found === undefined ? new ResultAsync(Promise.resolve(err({ kind: 'not_found' }))) : okAsync(found);
  };
  return {
    asked,
    resolve: (name, family: Family, signal) => look(`${name}/${family}`, signal),
    reverse: (address, signal) => look(`${address}/ptr`, signal),
  };
}

export const SETTINGS: Socks5Settings = {
  listen: { address: '127.0.0.1', port: 1080 },
  usersFile: null,
  allowClients: [],
  allowDestinations: [],
  denyDestinations: [],
  ipv4: 'prefer6',
  raceTunnels: false,
  resolver: null,
  control: [{ address: '127.0.0.1', port: 8642 }],
};

export interface Stage {
  readonly clock: VirtualClock;
  readonly engine: MemoryEngine;
  readonly ways: MemoryWays;
  readonly flows: MemoryFlows;
  readonly resolver: TableResolver;
  readonly server: Socks5Server;
  readonly log: string[];
}

/** A proxy between memory and memory, in virtual time. */
export async function aStage(
  settings: Partial<Socks5Settings> = {},
  zone: Zone = {},
  exchange?: Engine['exchange'],
): Promise<Stage> {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock, exchange);
  const ways = new MemoryWays(aWay());
  const flows = new MemoryFlows();
  const resolver = tableResolver(zone);
  const log: string[] = [];
  const logger: Logger = {
    log: (level, message, fields) => log.push(`${level}: ${message} ${JSON.stringify(fields ?? {})}`),
  };
  const options = { engine, ways, flows, resolver, clock, log: logger, settings: { ...SETTINGS, ...settings } };
  const server = (await serveSocks5(options))._unsafeUnwrap();
  return { clock, engine, ways, flows, resolver, server, log };
}
