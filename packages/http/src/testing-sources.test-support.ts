import { type GatewayError, type GatewayStatus, type News, type NewsEntry, sentenceOf } from '@hurricane/core';
import { MemoryPortMappings } from '@hurricane/core/testing';
import { err, ok, type Result } from 'neverthrow';
import type { AppOptions } from './app-options.js';
import type { LogLine } from './documents.js';
import { Metrics } from './metrics.js';
import type { FlowSource, GatewaySource, InsightSource, LogSource } from './sources.js';
import { aStatus, aTunnel, heTunnel, SAMPLE_TIME } from './testing-status.test-support.js';

export const OURS = '2001:db8:1234:5678::2';

/** A gateway of two tunnels, `he` and `wg-backup`, that remembers which verbs it was told. */
export interface ObedientGateway extends GatewaySource {
  readonly told: readonly string[];
}

export function obedientGateway(status: GatewayStatus = inProxyMode(twoTunnels())): ObedientGateway {
  const told: string[] = [];
  let { preferred } = status;
  const known = status.tunnels.map((tunnel) => tunnel.config.name);
  const verb =
    (word: string) =>
    (tunnel: string | null): Result<void, GatewayError> => {
      if (tunnel !== null && !known.includes(tunnel)) return err({ kind: 'unknown_tunnel', tunnel, known });
      told.push(`${word} ${tunnel}`);
      return ok(undefined);
    };
  return {
    told,
    status: () => ({ ...status, preferred }),
    raise: verb('raise'),
    lower: verb('lower'),
    restart: verb('restart'),
    prefer: (tunnel) =>
      verb('prefer')(tunnel).map(() => {
        preferred = tunnel;
      }),
  };
}

export function twoTunnels(): GatewayStatus {
  return aStatus([aTunnel(), aTunnel({ config: heTunnel('wg-backup', 'wg0'), primary: false })]);
}

export function inProxyMode(status: GatewayStatus): GatewayStatus {
  const { config } = status;
  return { ...status, config: { ...config, exposure: { ...config.exposure, mode: 'proxy' } } };
}

/** Keeps what it is told to, at most `kept` of it, and passes it on at once. */
export class HandInsight implements InsightSource {
  readonly #kept: number;
  readonly #listeners = new Set<(entry: NewsEntry) => void>();
  #entries: NewsEntry[] = [];
  #lastId = 0;
  readonly asked: unknown[] = [];

  constructor(kept = 100) {
    this.#kept = kept;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  readonly news: InsightSource['news'] = {
    since: (id) => {
      const entries = this.#entries.filter((entry) => entry.id > (id ?? 0));
      const gap = id !== null && (entries[0]?.id ?? this.#lastId + 1) > id + 1;
      return { entries, gap, lastId: this.#lastId };
    },
    subscribe: (listener) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  happen(news: News): NewsEntry {
    this.#lastId += 1;
    const entry: NewsEntry = { id: this.#lastId, at: SAMPLE_TIME * 1_000, ...sentenceOf(news), news };
    this.#entries = [...this.#entries, entry].slice(-this.#kept);
    for (const listener of this.#listeners) listener(entry);
    return entry;
  }

  explain(): ReturnType<InsightSource['explain']> {
    const candidate = {
      tunnel: 'he',
      priority: 0,
      score: 100,
      bonus: 10,
      rank: 110,
      state: 'up',
      liveness: 'alive',
      fault_place: null,
      fit: true,
      passed_over: null,
    } as const;
    return {
      primary: 'he',
      preferred: null,
      state: 'holding',
      since: SAMPLE_TIME,
      rule: 'The primary keeps the route while it scores 30 or more.',
      next: ['he scores below 30 at a check.'],
      candidates: [candidate],
      switches: [
        {
          at: SAMPLE_TIME * 1_000,
          from: null,
          to: 'he',
          reason: 'selected',
          from_score: null,
          to_score: 100,
          candidates: [candidate],
        },
      ],
    };
  }

  history(query: Parameters<InsightSource['history']>[0]): ReturnType<InsightSource['history']> {
    this.asked.push(query);
    const sample = { at: SAMPLE_TIME, resolution_s: 1, latency_ms: 35, loss: 0, score: 100 };
    return {
      tiers: [{ resolution_s: 1, kept_s: 600 }],
      tunnels: [{ tunnel: 'he', samples: [{ ...sample, rx_bytes_per_s: 1000, tx_bytes_per_s: null }] }],
    };
  }
}

export function someLogs(lines: readonly LogLine[]): LogSource {
  return {
    since: (id) => ({
      entries: lines.filter((line) => line.id > (id ?? 0)),
      gap: false,
      lastId: lines.at(-1)?.id ?? 0,
    }),
  };
}

/** A relay with one connection of each kind. */
export function someFlows(): FlowSource {
  const client = { address: '2001:db8:ffff::1', port: 40_000 };
  const flow = { client, tunnel: 'he', since: SAMPLE_TIME, sent: 10, received: 20 };
  const ended = { finished: 3, reset: 1 };
  const sums = { active: 1, sent: 110, received: 220, ended, refused: { too_many_flows: 0 } };
  return {
    list: () => [
      { ...flow, id: 1, kind: 'tcp', origin: 'mapping tcp 80', target: { address: '127.0.0.1', port: 80 } },
      { ...flow, id: 2, kind: 'udp', origin: 'mapping udp 7654', target: { address: '::1', port: 7654 } },
    ],
    totals: () => [
      { kind: 'tcp', ...sums },
      { kind: 'udp', ...sums },
    ],
    faults: () => [{ kind: 'tcp', reason: 'refused', count: 2 }],
    engine: () => 'native',
    socks5: () => ({
      clients: 7,
      refused: { not_allowed: 1 },
      failed: { wrong_version: 2 },
      replies: { succeeded: 3 },
      datagramsDropped: { stranger: 4 },
      opening: 5,
      associations: 6,
    }),
  };
}

/** Everything that an app can be given. */
export function everySource(gateway: GatewaySource = obedientGateway()): Partial<AppOptions> {
  return {
    gateway,
    insight: new HandInsight(),
    metrics: new Metrics({ version: '1.2.3' }),
    logs: someLogs([{ id: 1, at: SAMPLE_TIME * 1_000, level: 'info', text: 'Gateway started with 2 tunnels' }]),
    flows: someFlows(),
    ports: new MemoryPortMappings({
      addresses: () => [OURS],
      reserved: [8642],
      limit: 64,
      now: () => SAMPLE_TIME,
    }),
  };
}
