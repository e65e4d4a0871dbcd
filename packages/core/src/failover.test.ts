import { describe, expect, it } from 'vitest';
import { standing } from './candidacy.js';
import { settleFailover } from './failover.js';
import type { HealthScore } from './health.js';
import { type LivenessKind, newborn } from './liveness.js';
import type { News } from './news.js';
import { initialState, type State } from './state.js';
import { simulatedConfig, simulatedTunnel } from './testing/index.js';
import type { Tunnel } from './tunnel.js';

const NOW = 1_000_000;

interface Cast {
  readonly latency?: number;
  readonly name: string;
  readonly priority?: number;
  readonly score?: HealthScore;
  readonly liveness?: LivenessKind;
  readonly soundFor?: number;
}

describe('the ranking', () => {
  it.each<[string, readonly Cast[], string]>([
    [
      'the best score',
      [
        { name: 'a', score: 75 },
        { name: 'b', score: 90 },
      ],
      'b',
    ],
    [
      'the preferred one of equals',
      [
        { name: 'a', priority: 1 },
        { name: 'b', priority: 0 },
      ],
      'b',
    ],
    ['the first in the file of equals', [{ name: 'a' }, { name: 'b' }], 'a'],
    // 90 + 25 against 100 + 20.
    [
      'the better score over five points of place',
      [
        { name: 'a', priority: 0, score: 90 },
        { name: 'b', priority: 1 },
      ],
      'b',
    ],
    // 95 + 25 against 100 + 20: equal, so the place decides.
    [
      'the place at equal rank',
      [
        { name: 'b', priority: 1 },
        { name: 'a', priority: 0, score: 95 },
      ],
      'a',
    ],
    [
      'nobody that scores less than 50',
      [
        { name: 'a', priority: 0, score: 49 },
        { name: 'b', priority: 5, score: 50 },
      ],
      'b',
    ],
    [
      'nobody in doubt',
      [
        { name: 'a', liveness: 'suspect' },
        { name: 'b', score: 60, priority: 5 },
      ],
      'b',
    ],
    [
      'a poor one rather than none',
      [
        { name: 'a', score: 20 },
        { name: 'b', score: 30 },
      ],
      'b',
    ],
  ])('chooses %s', (_what, cast, chosen) => {
    const { state } = settle(stateOf(cast));

    expect(state.failover).toMatchObject({ kind: 'holding', primary: chosen });
  });

  it('chooses nobody that answers nothing', () => {
    const { state } = settle(
      stateOf([
        { name: 'a', liveness: 'hard_down' },
        { name: 'b', liveness: 'unknown' },
      ]),
    );

    expect(state.failover.kind).toBe('idle');
  });
});

describe('a primary', () => {
  it.each<[string, LivenessKind, HealthScore, boolean, string]>([
    ['is left when soft_down', 'soft_down', 100, false, 'b'],
    ['is left when hard_down', 'hard_down', 0, false, 'b'],
    ['is kept when suspect', 'suspect', 100, false, 'a'],
    ['is kept with a bad score between checks', 'alive', 10, false, 'a'],
    ['is left with a bad score at a check', 'alive', 29, true, 'b'],
    ['is kept with 30 at a check', 'alive', 30, true, 'a'],
  ])('%s', (_what, liveness, score, due, primary) => {
    const { state } = settle(
      held(
        'a',
        [
          { name: 'a', liveness, score },
          { name: 'b', soundFor: 0, score: 60 },
        ],
        due,
      ),
    );

    expect(state.failover).toMatchObject({ primary });
  });

  it('stands at 0 while it is down, whatever its last minute was worth', () => {
    const [a] = stateOf([{ name: 'a', liveness: 'soft_down' }]).tunnels;

    expect(standing(a!)).toBe(0);
    expect(standing(null)).toBe(0);
  });

  it.each([
    [1, 59_999, 'b'],
    [1, 60_000, 'a'],
    [2, 119_999, 'b'],
    [2, 120_000, 'a'],
    [3, 240_000, 'a'],
    [7, 3_599_999, 'b'],
    [7, 3_600_000, 'a'],
    [1_000, 3_600_000, 'a'],
  ])('that lost the route %d times takes it back after so long: %d ms', (flaps, soundFor, primary) => {
    const state = held('b', [
      { name: 'a', priority: 0, soundFor },
      { name: 'b', priority: 1 },
    ]);
    const flapped = { ...state, tunnels: state.tunnels.map((t) => ({ ...t, flaps })) };

    expect(settle({ ...flapped }).state.failover).toMatchObject({ primary });
  });

  it.each([
    [109, true, 'a'],
    [110, true, 'b'],
    [110, false, 'a'],
  ])('gives way to one of its own priority that is ahead by ten at a check', (lead, due, primary) => {
    const cast = [
      { name: 'a', score: 50, latency: 40 },
      { name: 'b', score: lead - 50, soundFor: 60_000 },
    ];

    expect(settle(held('a', cast, due)).state.failover).toMatchObject({ primary });
  });

  it.each([
    [40, 30, 'a'],
    [40, 26, 'b'],
    [600, 590, 'a'],
    [600, 410, 'a'],
    [600, 400, 'b'],
  ])('at %i ms gives way to an equal of %i ms only where that is clearly faster', (slow, fast, primary) => {
    const cast = [
      { name: 'a', score: 60, latency: slow },
      { name: 'b', score: 90, latency: fast, soundFor: 60_000 },
    ];

    expect(settle(held('a', cast, true)).state.failover).toMatchObject({ primary });
  });

  it('gives way to none that the user prefers less', () => {
    const cast = [
      { name: 'a', priority: 0, score: 50 },
      { name: 'b', priority: 1, score: 100, soundFor: 600_000 },
    ];

    expect(settle(held('a', cast, true)).state.failover).toMatchObject({ primary: 'a' });
  });
});

describe('the news of a switch', () => {
  it('says why, and the standing of both', () => {
    const { news } = settle(
      held('a', [
        { name: 'a', liveness: 'hard_down' },
        { name: 'b', score: 85 },
      ]),
    );

    expect(news).toEqual([
      { type: 'primary_degraded', primary: 'a', score: 0 },
      { type: 'failed_over', from: 'a', to: 'b', fromScore: 0, toScore: 85, reason: 'hard_down' },
    ]);
  });
});

function settle(state: State): { readonly state: State; readonly news: readonly News[] } {
  const news: News[] = [];
  const settled = settleFailover(state, NOW, (effect) => {
    if (effect.type === 'announce') news.push(effect.news);
  });
  return { state: settled, news };
}

function stateOf(cast: readonly Cast[]): State {
  const config = simulatedConfig({
    tunnels: cast.map(({ name, priority = 0 }) => simulatedTunnel(name, { priority })),
  });
  const state = initialState(config);
  const tunnels = state.tunnels.map((t, i) => ({ ...t, ...played(t, cast[i]!) }));
  return { ...state, phase: 'running', nextCheckAt: NOW + 1, chooseBy: NOW, tunnels };
}

function held(primary: string, cast: readonly Cast[], due = false): State {
  const state = stateOf(cast);
  return { ...state, nextCheckAt: due ? NOW : NOW + 1, failover: { kind: 'holding', primary, since: 0 } };
}

function played(t: Tunnel, { score = 100, liveness = 'alive', soundFor = 0, latency = 20 }: Cast): Partial<Tunnel> {
  const down = liveness.endsWith('_down');
  return {
    running: t.config,
    state: { kind: 'up', since: 0 },
    liveness: {
      ...newborn(0),
      kind: liveness,
      missingSince: down ? NOW - 1_000 : null,
      provenAt: down ? 0 : NOW - 500,
    },
    health: { reachable: score > 0, latency, loss: 0, score },
    soundSince: score >= 50 && !down ? NOW - soundFor : null,
  };
}
