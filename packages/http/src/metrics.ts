import type { GatewayStatus, LinkCounters, ProbeFinding, StepRecord, SwitchReason } from '@hurricane/core';
import { gaugeFamilies, type ProcessReading, processFamilies } from './metrics-gauges.js';
import { Histogram } from './metrics-histogram.js';
import { relayFamilies } from './metrics-relay.js';
import { socks5Families } from './metrics-socks5.js';
import { expositionOf, type Family, type Sample } from './metrics-text.js';
import type { FlowSource } from './sources.js';

export interface MetricsOptions {
  readonly version: string;
  /** What the process says of itself: `processSource` of the `./node` entry. Left out: no process metrics. */
  readonly process?: { read(): ProcessReading };
}

/** What `observe` looks at of a step. */
export type Observed = Pick<StepRecord, 'event' | 'effects'> & { readonly after: Pick<StepRecord['after'], 'tunnels'> };

/** Seconds. A prober waits for at most one. */
const RTT_BOUNDS = [0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1];

/** Seconds. Answers come from memory; what is slower waited for something. */
const API_BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1];

/** What was counted of one tunnel. */
interface Tally {
  sent: number;
  lost: number;
  late: number;
  rx: bigint | null;
  tx: bigint | null;
  /** What the interface itself had counted at the last look; it begins again with the interface. */
  seen: LinkCounters | null;
}

/**
 * Counts what a gateway does and says it in Prometheus' text format.
 *
 * Give `observe` to the gateway as its `observer`, and the whole to `createApp` as `metrics`. Holds one row for each
 * tunnel there is: those that a reload removes are forgotten.
 */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #tallies = new Map<string, Tally>();
  readonly #failovers = new Map<SwitchReason, number>();
  readonly #rtt = new Histogram(RTT_BOUNDS);
  readonly #api = new Histogram(API_BOUNDS);

  constructor(options: MetricsOptions) {
    this.#options = options;
  }

  /** Takes note of a step. Never throws. */
  readonly observe = ({ event, effects, after }: Observed): void => {
    switch (event.type) {
      case 'probed':
        // Of other streams, losses are how a fault is placed: they would be no loss of the tunnel's.
        if (event.stream === 'targets' && after.tunnels.some((t) => t.config.name === event.tunnel))
          this.#countProbe(event.tunnel, event.finding);
        break;
      case 'measured':
        for (const t of after.tunnels) this.#countBytes(t.config.name, t.reading?.counters ?? null);
        break;
      case 'reload':
        this.#keep(after.tunnels.map((t) => t.config.name));
        break;
    }
    for (const effect of effects)
      if (effect.type === 'announce' && effect.news.type === 'failed_over') {
        const { reason } = effect.news;
        this.#failovers.set(reason, (this.#failovers.get(reason) ?? 0) + 1);
      }
  };

  /** @param operation one of the API's operations, or `none`: never what a client wrote. */
  countAnswer(operation: string, status: number, seconds: number): void {
    const outcome = `${Math.floor(status / 100)}xx`;
    this.#api.observe(`${operation} ${outcome}`, seconds, () => ({ operation, status: outcome }));
  }

  /** The whole exposition. `flows`: what a relay carries, where there is one. */
  text(status: GatewayStatus, flows?: FlowSource): string {
    this.#keep(status.tunnels.map((t) => t.config.name));
    for (const t of status.tunnels) this.#countBytes(t.config.name, t.reading?.counters ?? null);
    const { version, process } = this.#options;
    const socks5 = flows?.socks5?.() ?? null;
    const built: Sample = { labels: { version }, value: 1 };
    return expositionOf([
      { name: 'hurricane_build_info', type: 'gauge', help: 'The version that runs.', samples: [built] },
      ...gaugeFamilies(status),
      ...this.#counters(status),
      ...(flows === undefined ? [] : relayFamilies(flows)),
      ...(socks5 === null ? [] : socks5Families(socks5)),
      {
        name: 'hurricane_api_request_duration_seconds',
        type: 'histogram',
        help: 'Time to make an answer of the API, by operation and class of status.',
        samples: this.#api.samples(),
      },
      ...(process === undefined ? [] : processFamilies(process.read())),
    ]);
  }

  #counters(status: GatewayStatus): readonly Family[] {
    const each = (name: string, help: string, of: (tally: Tally) => number | bigint | null): Family => ({
      name: `hurricane_tunnel_${name}_total`,
      type: 'counter',
      help,
      samples: status.tunnels.flatMap(({ config: { name: tunnel } }) => {
        const value = of(this.#tally(tunnel));
        return value === null ? [] : [{ labels: { tunnel }, value }];
      }),
    });
    return [
      each('receive_bytes', 'Bytes received through the interface.', (tally) => tally.rx),
      each('transmit_bytes', 'Bytes sent through the interface.', (tally) => tally.tx),
      each('probes_sent', 'Probes of the targets that were answered for.', (tally) => tally.sent),
      each('probes_lost', 'Probes that were not answered in time, or refused.', (tally) => tally.lost),
      each('probes_late', 'Probes answered after they were counted as lost.', (tally) => tally.late),
      {
        name: 'hurricane_tunnel_probe_rtt_seconds',
        type: 'histogram',
        help: 'Round trips of the probes of the targets, late ones included.',
        samples: this.#rtt.samples(),
      },
      {
        name: 'hurricane_failovers_total',
        type: 'counter',
        help: 'Changes of the primary, by reason.',
        samples: REASONS.map((reason) => ({ labels: { reason }, value: this.#failovers.get(reason) ?? 0 })),
      },
    ];
  }

  #countProbe(tunnel: string, { outcome }: ProbeFinding): void {
    const tally = this.#tally(tunnel);
    const late = outcome.kind === 'reply' && outcome.late;
    if (late) tally.late += 1;
    else tally.sent += 1;
    if (outcome.kind === 'reply') this.#rtt.observe(tunnel, outcome.rtt / 1_000, () => ({ tunnel }));
    else tally.lost += 1;
  }

  #countBytes(tunnel: string, counters: LinkCounters | null): void {
    if (counters === null) return;
    const tally = this.#tally(tunnel);
    // An interface that was made anew counts from 0.
    const again = tally.seen === null || counters.rx < tally.seen.rx || counters.tx < tally.seen.tx;
    tally.rx = (tally.rx ?? 0n) + counters.rx - (again ? 0n : (tally.seen?.rx ?? 0n));
    tally.tx = (tally.tx ?? 0n) + counters.tx - (again ? 0n : (tally.seen?.tx ?? 0n));
    tally.seen = counters;
  }

  #tally(tunnel: string): Tally {
    const found = this.#tallies.get(tunnel);
    if (found !== undefined) return found;
    const made: Tally = { sent: 0, lost: 0, late: 0, rx: null, tx: null, seen: null };
    this.#tallies.set(tunnel, made);
    return made;
  }

  #keep(names: readonly string[]): void {
    const there = new Set(names);
    for (const name of this.#tallies.keys()) if (!there.has(name)) this.#tallies.delete(name);
    this.#rtt.keep((name) => there.has(name));
  }
}

/** Every reason has its row from the beginning, so that its first increase can be seen. */
const REASONS: readonly SwitchReason[] = [
  ...(['degraded', 'soft_down', 'hard_down', 'not_up', 'lowered'] as const),
  ...(['removed', 'failback', 'better_path', 'preferred'] as const),
];
