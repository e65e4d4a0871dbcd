import { describe, expect, it } from 'vitest';
import { History, type HistorySample, NOTHING, type Reading } from './history.js';

/** A multiple of 60. */
const START = 1_700_000_040;
const HOUR = 3_600;

describe('the history of a tunnel', () => {
  it('has a sample of every second', () => {
    const history = kept('he');
    history.take(START, () => [12.345, 0.0625, 95, 1_000.4, 2_000.6]);
    history.take(START + 1, () => [Number.NaN, 1, 0, Number.NaN, 5]);

    expect(history.view({ tunnel: null, since: null })).toEqual({
      tiers: [
        { resolution_s: 1, kept_s: 600 },
        { resolution_s: 10, kept_s: 7_200 },
        { resolution_s: 60, kept_s: 86_400 },
      ],
      tunnels: [
        {
          tunnel: 'he',
          samples: [
            {
              at: START,
              resolution_s: 1,
              latency_ms: 12.35,
              // Loss is told in thousandths.
              loss: 0.063,
              score: 95,
              rx_bytes_per_s: 1_000,
              tx_bytes_per_s: 2_001,
            },
            {
              at: START + 1,
              resolution_s: 1,
              latency_ms: null,
              loss: 1,
              score: 0,
              rx_bytes_per_s: null,
              tx_bytes_per_s: 5,
            },
          ],
        },
      ],
    });
  });

  it('tells nothing of what was unknown all along, and the mean of what was known', () => {
    const history = kept('he');
    for (let s = 0; s < 700; s += 1)
      history.take(START + s, () =>
        s < 10 ? NOTHING : s < 20 ? [s % 2 === 0 ? 10 : 30, 0, Number.NaN, 1, 2] : NOTHING,
      );

    const [first, second] = samplesOf(history);

    expect(first).toMatchObject({ at: START, resolution_s: 10, latency_ms: null, score: null, rx_bytes_per_s: null });
    expect(second).toMatchObject({ at: START + 10, resolution_s: 10, latency_ms: 20, loss: 0, score: null });
  });

  it('leaves what is unknown out of the mean of what is known', () => {
    const history = kept('he');
    for (let s = 0; s < 700; s += 1) history.take(START + s, () => [s === 3 ? 50 : Number.NaN, s < 5 ? 1 : 0, 0, 0, 0]);

    expect(samplesOf(history)[0]).toMatchObject({ at: START, latency_ms: 50, loss: 0.5 });
  });

  it('is ten minutes of seconds, two hours of tens and a day of minutes, without gap or overlap', () => {
    const history = kept('he');
    const seconds = 30 * HOUR + 17;
    for (let s = 0; s < seconds; s += 1) history.take(START + s, () => [s, 0, 0, 0, 0]);

    const samples = samplesOf(history);

    const end = START + seconds;
    for (const [i, { at, resolution_s }] of samples.entries())
      expect(at + resolution_s).toBe(samples[i + 1]?.at ?? end);
    const of = (resolution: number) => samples.filter(({ resolution_s }) => resolution_s === resolution);
    expect(of(1).length).toBeGreaterThanOrEqual(600);
    expect(of(1).length).toBeLessThan(610);
    expect(of(10).length * 10 + of(1).length).toBeGreaterThanOrEqual(7_200 - 10);
    expect(of(10).length).toBeLessThanOrEqual(726);
    expect(end - samples[0]!.at).toBeGreaterThanOrEqual(86_400 - 60);
    expect(end - samples[0]!.at).toBeLessThanOrEqual(86_400 + 60);
    // Each is the mean of its own seconds.
    for (const { at, resolution_s, latency_ms } of samples)
      expect(latency_ms).toBeCloseTo(at - START + (resolution_s - 1) / 2, 1);
  });

  it('after a moment is what began later', () => {
    const history = kept('he');
    for (let s = 0; s < 20; s += 1) history.take(START + s, () => NOTHING);

    const after = (since: number): number[] => samplesOf(history, since).map(({ at }) => at - START);

    expect(after(START + 16)).toEqual([17, 18, 19]);
    expect(after(START + 19)).toEqual([]);
    expect(after(START + 1_000)).toEqual([]);
  });

  it('has gaps where nobody looked, and goes on after them', () => {
    const history = kept('he');
    for (let s = 0; s < 5; s += 1) history.take(START + s, () => NOTHING);
    for (let s = 0; s < 5; s += 1) history.take(START + 5_000 + s, () => NOTHING);

    expect(samplesOf(history).map(({ at, resolution_s }) => [at - START, resolution_s])).toEqual([
      [0, 10],
      ...[0, 1, 2, 3, 4].map((s) => [5_000 + s, 1]),
    ]);
  });

  it('survives a clock that is set back', () => {
    const history = kept('he');
    for (let s = 0; s < 100; s += 1) history.take(START + s, () => [1, 0, 0, 0, 0]);
    for (let s = 0; s < 100; s += 1) history.take(START - 50 + s, () => [2, 0, 0, 0, 0]);

    const latest = samplesOf(history).at(-1);

    expect(latest).toMatchObject({ at: START + 49, latency_ms: 2 });
  });
});

describe('several tunnels', () => {
  it('are told in their order, or one by name', () => {
    const history = kept('wg', 'he');
    history.take(START, (name) => [name === 'he' ? 1 : 2, 0, 0, 0, 0]);

    expect(history.view({ tunnel: null, since: null }).tunnels.map(({ tunnel }) => tunnel)).toEqual(['wg', 'he']);
    expect(history.view({ tunnel: 'he', since: null }).tunnels).toMatchObject([
      { tunnel: 'he', samples: [{ latency_ms: 1 }] },
    ]);
    expect(history.view({ tunnel: 'nope', since: null }).tunnels).toEqual([]);

    history.keep(['he', 'wg']);
    expect(history.view({ tunnel: null, since: null }).tunnels.map(({ tunnel }) => tunnel)).toEqual(['he', 'wg']);
    expect(history.view({ tunnel: 'wg', since: null }).tunnels[0]?.samples).toHaveLength(1);
  });

  it('that are removed are forgotten, and new ones have no past', () => {
    const history = kept('he', 'wg');
    history.take(START, () => [1, 0, 0, 0, 0]);

    history.keep(['he', 'mv']);
    history.take(START + 1, () => [2, 0, 0, 0, 0]);
    expect(history.view({ tunnel: null, since: null }).tunnels.map((t) => [t.tunnel, t.samples.length])).toEqual([
      ['he', 2],
      ['mv', 1],
    ]);

    history.keep(['he', 'wg']);
    expect(history.view({ tunnel: 'wg', since: null }).tunnels[0]?.samples).toEqual([]);
  });

  it('are told more coarsely where there is too much for one answer, and then less far back', () => {
    const names = Array.from({ length: 100 }, (_, i) => `t${i}`);
    const history = kept(...names);
    for (let s = 0; s < 20_000; s += 1) history.take(START + s, () => NOTHING);
    const of = (tunnels: number): readonly HistorySample[] => {
      history.keep(names.slice(0, tunnels));
      const view = history.view({ tunnel: null, since: null });
      expect(view.tunnels).toHaveLength(tunnels);
      expect(view.tunnels.reduce((sum, { samples }) => sum + samples.length, 0)).toBeLessThanOrEqual(20_000);
      return view.tunnels.at(-1)!.samples;
    };
    const resolutions = (samples: readonly HistorySample[]): readonly number[] => [
      ...new Set(samples.map(({ resolution_s }) => resolution_s)),
    ];

    const [all, many, few] = [of(100), of(20), of(10)];

    expect(resolutions(all)).toEqual([60]);
    expect(all).toHaveLength(200);
    expect(all.at(-1)?.at).toBe(START + 19_920);
    expect(resolutions(many)).toEqual([60, 10]);
    expect(resolutions(few)).toEqual([60, 10, 1]);
    history.keep(names);
    const latest = history.view({ tunnel: null, since: START + 19_990 }).tunnels[0]!.samples;
    expect(latest.map(({ resolution_s }) => resolution_s)).toEqual(Array.from({ length: 9 }, () => 1));
  });

  it('cost no more than 30 MB where there are 256 of them, however long', () => {
    const before = process.memoryUsage().arrayBuffers;
    const history = kept(...Array.from({ length: 256 }, (_, i) => `t${i}`));
    const reading: Reading = [1, 0, 100, 5, 5];
    for (let s = 0; s < 2_000; s += 1) history.take(START + s, () => reading);

    const cost = process.memoryUsage().arrayBuffers - before;

    expect(history.view({ tunnel: 't255', since: null }).tunnels[0]?.samples.length).toBeGreaterThan(700);
    expect(cost).toBeGreaterThan(10_000_000);
    expect(cost).toBeLessThan(16_000_000);
  });
});

function kept(...names: string[]): History {
  const history = new History();
  history.keep(names);
  return history;
}

/** Of the first tunnel. */
function samplesOf(history: History, since: number | null = null): readonly HistorySample[] {
  return history.view({ tunnel: null, since }).tunnels[0]!.samples;
}
