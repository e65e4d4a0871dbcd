import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type SimulationReport, simulate } from './simulate.js';

/** Fifty seeds on every run; `npm run sim` plays more of them, and longer. */
const SEEDS = 50;
const MINUTES = 10;

/** Seeds that are played twice, to see that nothing but the seed decides. */
const REPEATED = 5;

/** Seeds whose every step is taken twice, from frozen inputs. */
const PURE = 10;
const PURE_MINUTES = 3;

interface Regression {
  readonly seed: number;
  readonly minutes: number;
  readonly why: string;
}

const regressions = JSON.parse(
  readFileSync(new URL('./regressions.json', import.meta.url), 'utf8'),
) as readonly Regression[];

describe('the gateway in a world of seeded faults', () => {
  it(`keeps its promises for ${SEEDS} seeds of ${MINUTES} minutes`, { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) expectNoFailure(await simulate(seed, MINUTES));
  });

  it('does the same for the same seed', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= REPEATED; seed += 1) {
      const once = await simulate(seed, MINUTES);
      const again = await simulate(seed, MINUTES);

      expect(again.fingerprint).toBe(once.fingerprint);
      expect(again.steps).toBe(once.steps);
    }
  });

  it('does another thing for another seed', async () => {
    const prints = await Promise.all([1, 2, 3].map(async (seed) => (await simulate(seed, 1)).fingerprint));

    expect(new Set(prints).size).toBe(3);
  });

  it('takes steps that depend on nothing but state, event and time', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= PURE; seed += 1)
      expectNoFailure(await simulate(seed, PURE_MINUTES, { checkPurity: true }));
  });

  it.each(regressions)('keeps its promises for seed $seed of $minutes minutes: $why', async ({ seed, minutes }) => {
    expectNoFailure(await simulate(seed, minutes));
  });
});

function expectNoFailure(report: SimulationReport): void {
  const { seed, minutes, failures, swarm, lastSteps } = report;
  const story = [`seed ${seed} played with ${JSON.stringify(swarm)}`, ...lastSteps, ...failures];
  const again = `SEED=${seed} MINUTES=${minutes} npm run sim`;
  expect(failures, `${story.join('\n  ')}\n  again: ${again}\n`).toEqual([]);
}
