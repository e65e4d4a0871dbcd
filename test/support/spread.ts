import type { Millis } from '@hurricane/core';

/** What `part` of the times do not exceed: 0.5 is the median, 1 the longest. */
export function quantile(times: readonly Millis[], part: number): Millis {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** The same as text, for people: tests print what they measured. */
export function spread(times: readonly Millis[]): string {
  const at = (part: number): string => quantile(times, part).toFixed(0);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms of ${times.length}`;
}
