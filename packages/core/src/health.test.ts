import { describe, expect, it } from 'vitest';
import { HEALTH_DEFAULTS } from './config/defaults.js';
import type { ProbeOutcome } from './facts.js';
import {
  type HealthWindow,
  latencyPoints,
  MIN_PROBES,
  priorityBonus,
  recordOutcome,
  summarize,
  unreachable,
} from './health.js';

const policy = HEALTH_DEFAULTS;
const { slot, slots } = policy.window;
const lost: ProbeOutcome = { kind: 'lost' };
const reply = (rtt = 20): ProbeOutcome => ({ kind: 'reply', rtt, late: false });
const late = (rtt = 300): ProbeOutcome => ({ kind: 'reply', rtt, late: true });

describe('points for latency', () => {
  // README "Health Scoring"; upper bounds are exclusive.
  it.each([
    [0, 50],
    [49, 50],
    [49.999, 50],
    [50, 40],
    [51, 40],
    [99, 40],
    [100, 25],
    [101, 25],
    [199, 25],
    [200, 10],
    [201, 10],
    [499, 10],
    [500, 0],
    [501, 0],
    [60_000, 0],
  ])('%d ms earn %d', (latency, points) => {
    expect(latencyPoints(latency)).toBe(points);
  });
});

describe('the bonus for priority', () => {
  it.each([
    [0, 25],
    [1, 20],
    [2, 15],
    [4, 5],
    [5, 0],
    [6, 0],
    [1_000, 0],
  ])('of %d is %d', (priority, bonus) => {
    expect(priorityBonus(priority)).toBe(bonus);
  });
});

describe('the score', () => {
  it.each([
    { rtt: 20, lostOf20: 0, score: 100 },
    { rtt: 20, lostOf20: 1, score: 95 },
    { rtt: 20, lostOf20: 3, score: 85 },
    { rtt: 20, lostOf20: 15, score: 25 },
    { rtt: 20, lostOf20: 19, score: 5 },
    { rtt: 20, lostOf20: 20, score: 0 },
    { rtt: 70, lostOf20: 0, score: 90 },
    { rtt: 150, lostOf20: 0, score: 75 },
    { rtt: 300, lostOf20: 0, score: 60 },
    { rtt: 900, lostOf20: 0, score: 50 },
    { rtt: 900, lostOf20: 10, score: 25 },
  ])('is $score at $rtt ms with $lostOf20 of 20 lost', ({ rtt, lostOf20, score }) => {
    const outcomes = Array.from({ length: 20 }, (_, i) => (i < lostOf20 ? lost : reply(rtt)));

    expect(scoreOf(fill(outcomes))).toBe(score);
  });

  it('is 0 for a tunnel that answers nothing: no point is earned without a reply', () => {
    expect(summarize(fill(Array(20).fill(lost)))).toEqual({ reachable: false, latency: null, loss: 1, score: 0 });
  });

  it('is unknown with fewer than five probes', () => {
    expect(MIN_PROBES).toBe(5);
    expect(summarize([])).toBeNull();
    expect(summarize(fill(Array(4).fill(lost)))).toBeNull();
    expect(summarize(fill(Array(5).fill(lost)))).not.toBeNull();
  });

  it('takes the median: one slow reply among quick ones changes nothing', () => {
    expect(summarize(fill([...Array(9).fill(reply(20)), reply(900)]))).toMatchObject({ latency: 20, score: 100 });
  });

  it('takes the middle of an even number of slots', () => {
    const window = fill(Array(5).fill(reply(200)), fill(Array(5).fill(reply(100)), [], 0), slot);

    expect(summarize(window)?.latency).toBe(150);
  });

  it('keeps the rest on record when a tunnel is unreachable', () => {
    expect(unreachable({ reachable: true, latency: 20, loss: 0.5, score: 50 })).toEqual({
      reachable: false,
      latency: 20,
      loss: 0.5,
      score: 0,
    });
    expect(unreachable(null)).toEqual({ reachable: false, latency: null, loss: 1, score: 0 });
  });
});

describe('the window', () => {
  it('weighs a burst of quick probes no more than the slot it falls in', () => {
    let window: HealthWindow = [];
    for (let i = 0; i < 19; i += 1) window = fill(Array(6).fill(reply()), window, i * slot);
    window = fill(Array(300).fill(lost), window, 19 * slot);

    expect(summarize(window)).toMatchObject({ loss: 0.05, score: 95 });
  });

  it('forgets what is older than its length', () => {
    let window = fill(Array(6).fill(lost));
    for (let i = 1; i < slots; i += 1) window = fill(Array(6).fill(reply()), window, i * slot);
    expect(scoreOf(window)).toBe(95);

    window = fill(Array(6).fill(reply()), window, slots * slot);

    expect(scoreOf(window)).toBe(100);
    expect(window).toHaveLength(slots);
  });

  it('forgets everything over a long silence', () => {
    const window = fill([reply()], fill(Array(6).fill(lost)), 10 * slots * slot);

    expect(window).toHaveLength(1);
    expect(summarize(window)).toBeNull();
  });

  it('takes a loss back when the reply comes late', () => {
    const window = fill([reply(), reply(), reply(), reply(), lost]);

    expect(summarize(recordOutcome(window, late(), 100, policy))).toMatchObject({ loss: 0, score: 100 });
  });

  it('takes it back in the slot it was counted in, even one that is finished', () => {
    const window = fill(Array(5).fill(reply()), fill(Array(5).fill(lost)), slot);
    expect(summarize(window)?.loss).toBe(0.5);

    const after = fill(Array(5).fill(late()), window, slot);

    expect(summarize(after)).toMatchObject({ loss: 0, latency: 160 });
  });

  it('leaves a late reply alone when no loss is on record', () => {
    const window = fill(Array(5).fill(reply()));

    expect(recordOutcome(window, late(), 100, policy)).toBe(window);
  });

  it('counts a refusal as a loss', () => {
    const refused: ProbeOutcome = { kind: 'refused', reason: 'no route' };

    expect(summarize(fill([refused, refused, refused, reply(), reply()]))?.loss).toBeCloseTo(0.6);
  });
});

function fill(outcomes: readonly ProbeOutcome[], window: HealthWindow = [], at = 0): HealthWindow {
  return outcomes.reduce<HealthWindow>((w, outcome) => recordOutcome(w, outcome, at, policy), window);
}

function scoreOf(window: HealthWindow): number | undefined {
  return summarize(window)?.score;
}
