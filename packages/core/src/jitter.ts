import type { Millis } from './units.js';

/** An interval is shortened by at most so much of it; RFC 5880 section 6.8.7 allows 0.25. */
const JITTER = 0.12;

/**
 * The interval between two probes, shortened to 88-100 % of `interval` so that tunnels do not fall into step.
 * `chance` is from 0 to 1.
 */
export function jittered(interval: Millis, chance: number): Millis {
  return interval * (1 - JITTER * (1 - chance));
}
