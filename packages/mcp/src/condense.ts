import type { HistorySample, HistoryView, UnixSeconds } from '@hurricane/core';
import type { HistoryReport, HistorySummary, Spread } from './documents.js';

/**
 * The past in few numbers: a summary of every tunnel, and at most `samples` samples of it.
 *
 * @param since the beginning of the window; what came before is left out.
 */
export function condensed(
  { tunnels }: HistoryView,
  window: { readonly since: UnixSeconds; readonly until: UnixSeconds; readonly samples: number },
): HistoryReport {
  const { since, until } = window;
  return {
    since,
    until,
    tunnels: tunnels.map(({ tunnel, samples }) => {
      const inside = samples.filter((sample) => sample.at >= since);
      return { tunnel, summary: summaryOf(inside), samples: merged(inside, window) };
    }),
  };
}

function summaryOf(samples: readonly HistorySample[]): HistorySummary {
  const seconds = (kept: (sample: HistorySample) => boolean): number =>
    samples.reduce((sum, sample) => sum + (kept(sample) ? sample.resolution_s : 0), 0);
  const moved = (rate: (sample: HistorySample) => number | null): number | null =>
    samples.some((sample) => rate(sample) !== null)
      ? Math.round(samples.reduce((sum, sample) => sum + (rate(sample) ?? 0) * sample.resolution_s, 0))
      : null;
  return {
    known_s: seconds((sample) => sample.score !== null),
    unreachable_s: seconds((sample) => sample.score === 0),
    latency_ms: spreadOf(samples, (sample) => sample.latency_ms),
    loss: spreadOf(samples, (sample) => sample.loss),
    score: spreadOf(samples, (sample) => sample.score),
    rx_bytes: moved((sample) => sample.rx_bytes_per_s),
    tx_bytes: moved((sample) => sample.tx_bytes_per_s),
  };
}

/** Null: nothing is known. */
function spreadOf(samples: readonly HistorySample[], of: (sample: HistorySample) => number | null): Spread | null {
  const values = samples.flatMap((sample) => of(sample) ?? []);
  const mean = meanOf(samples, of);
  if (mean === null) return null;
  return { min: rounded(Math.min(...values)), mean: rounded(mean), max: rounded(Math.max(...values)) };
}

/** Each sample weighs as much as the time it stands for. */
function meanOf(samples: readonly HistorySample[], of: (sample: HistorySample) => number | null): number | null {
  let sum = 0;
  let weight = 0;
  for (const sample of samples) {
    const value = of(sample);
    if (value === null) continue;
    sum += value * sample.resolution_s;
    weight += sample.resolution_s;
  }
  return weight === 0 ? null : sum / weight;
}

/** Neighbours are put together until there are few enough; none that there are is left out. */
function merged(
  samples: readonly HistorySample[],
  {
    since,
    until,
    samples: atMost,
  }: { readonly since: UnixSeconds; readonly until: UnixSeconds; readonly samples: number },
): readonly HistorySample[] {
  if (samples.length <= atMost) return samples;
  if (atMost === 0) return [];
  const width = Math.max(1, Math.ceil((until - since + 1) / atMost));
  const groups = new Map<number, HistorySample[]>();
  for (const sample of samples) {
    const place = Math.floor((sample.at - since) / width);
    const group = groups.get(place);
    if (group === undefined) groups.set(place, [sample]);
    else group.push(sample);
  }
  return [...groups.values()].map(mergedGroup);
}

function mergedGroup(group: readonly HistorySample[]): HistorySample {
  const mean = (of: (sample: HistorySample) => number | null): number | null => {
    const value = meanOf(group, of);
    return value === null ? null : rounded(value);
  };
  return {
    at: group[0]!.at,
    resolution_s: group.reduce((sum, sample) => sum + sample.resolution_s, 0),
    latency_ms: mean((sample) => sample.latency_ms),
    loss: mean((sample) => sample.loss),
    score: mean((sample) => sample.score),
    rx_bytes_per_s: mean((sample) => sample.rx_bytes_per_s),
    tx_bytes_per_s: mean((sample) => sample.tx_bytes_per_s),
  };
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
