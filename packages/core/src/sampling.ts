import { NOTHING, type Reading } from './history.js';
import { isDown } from './liveness.js';
import type { Traffic } from './traffic.js';
import type { Tunnel } from './tunnel.js';
import type { Instant, Millis } from './units.js';

/** A rate holds until the next look at the counters; a look this old says nothing about the present. */
const RATE_TRUST: Millis = 2_500;

interface Rates {
  /** The look that they were taken at. */
  readonly at: Instant;
  readonly rx: bigint;
  readonly tx: bigint;
  readonly rxRate: number;
  readonly txRate: number;
}

/** Makes readings of tunnels, one a second. Remembers the counters' last look, which rates are the difference to. */
export class Sampler {
  #rates: ReadonlyMap<string, Rates> = new Map();

  /** By name. Tunnels that are not among these are forgotten. */
  readingsOf(tunnels: readonly Tunnel[], now: Instant): ReadonlyMap<string, Reading> {
    const rates = new Map<string, Rates>();
    const readings = new Map<string, Reading>();
    for (const t of tunnels) {
      const { name } = t.config;
      const next = ratesOf(t.traffic, this.#rates.get(name) ?? null);
      if (next !== null) rates.set(name, next);
      readings.set(name, readingOf(t, next !== null && now - next.at <= RATE_TRUST ? next : null));
    }
    this.#rates = rates;
    return readings;
  }
}

function readingOf(t: Tunnel, rates: Rates | null): Reading {
  if (t.state.kind !== 'up') return NOTHING;
  const { health } = t;
  const reachable = health?.reachable === true && !isDown(t.liveness);
  return [
    // What was measured before it fell silent is no latency of a silent tunnel.
    (reachable ? health.latency : null) ?? Number.NaN,
    health?.loss ?? Number.NaN,
    health?.score ?? Number.NaN,
    rates?.rxRate ?? Number.NaN,
    rates?.txRate ?? Number.NaN,
  ];
}

function ratesOf({ counters, at }: Traffic, before: Rates | null): Rates | null {
  if (counters === null) return null;
  if (before?.at === at) return before;
  const { rx, tx } = counters;
  const first = before === null || rx < before.rx || tx < before.tx;
  const rate = (bytes: bigint, then: bigint): number => (Number(bytes - then) * 1000) / (at - (before?.at ?? at));
  if (first) return { at, rx, tx, rxRate: Number.NaN, txRate: Number.NaN };
  return { at, rx, tx, rxRate: rate(rx, before.rx), txRate: rate(tx, before.tx) };
}
