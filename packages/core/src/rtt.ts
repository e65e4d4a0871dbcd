import type { Millis } from './units.js';

/** Smoothed round trip and its mean deviation (RFC 6298 section 2). */
export interface RttEstimate {
  readonly srtt: Millis;
  readonly rttvar: Millis;
}

/** RFC 6298 section 2.3: alpha = 1/8, beta = 1/4. */
export function observeRtt(estimate: RttEstimate | null, rtt: Millis): RttEstimate {
  if (estimate === null) return { srtt: rtt, rttvar: rtt / 2 };
  const rttvar = 0.75 * estimate.rttvar + 0.25 * Math.abs(estimate.srtt - rtt);
  return { srtt: 0.875 * estimate.srtt + 0.125 * rtt, rttvar };
}

/** How long to wait for a reply before calling the probe lost: srtt + 4 rttvar, within bounds. */
export function probeDeadline(
  estimate: RttEstimate | null,
  bounds: { readonly min: Millis; readonly max: Millis },
): Millis {
  if (estimate === null) return bounds.max;
  return Math.min(bounds.max, Math.max(bounds.min, estimate.srtt + 4 * estimate.rttvar));
}
