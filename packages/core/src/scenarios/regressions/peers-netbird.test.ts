import { describe, expect, it } from 'vitest';
import { type LinkOptions, Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

/** One way out: how far it is, and its place in the user's order. */
interface Way extends Omit<LinkOptions, 'iface'> {
  readonly priority?: number;
  /** `never`: no probe of it is answered. `down`: its start fails. */
  readonly answers?: 'never' | 'down';
}

// The cases of netbird's choice between routers. Those that ask for a higher score alone are in failover.test.ts.
describe('the first choice', () => {
  it.each<[string, Record<string, Way>, string | null]>([
    ['one route', { a: {} }, 'a'],
    ['no connected peers', { a: { answers: 'never' } }, null],
    ['connecting peers should not be considered', { a: { answers: 'down' }, b: { answers: 'down' } }, null],
    ['connected peer preferred over idle peer', { a: { rtt: 10, answers: 'never' }, b: { rtt: 190 } }, 'b'],
    ['mixed statuses: connected wins', { a: { answers: 'down' }, b: { answers: 'never' }, c: { rtt: 300 } }, 'c'],
    ['different metrics', { a: { priority: 3 }, b: { priority: 2 } }, 'b'],
    ['different latencies', { a: { rtt: 300 }, b: { rtt: 10 } }, 'b'],
    // A reply within the same tick is a quick one, not a missing measurement.
    ['latency 0 is the best latency', { a: { rtt: 60 }, b: { rtt: 0 } }, 'b'],
    ['better metric beats better latency', { a: { priority: 1, rtt: 10 }, b: { priority: 0, rtt: 40 } }, 'b'],
    ['ties go to the first', { a: {}, b: {}, c: {} }, 'a'],
  ])('%s', async (_name, ways, chosen) => {
    const stage = await staged(ways);

    expect(stage.primary).toBe(chosen);
  });
});

describe('the current one', () => {
  it.each<[string, Record<string, Way>, Record<string, Partial<Way>>, string]>([
    ['slightly worse latency should not change', { a: { rtt: 5 }, b: { rtt: 5 } }, { a: { rtt: 15 } }, 'a'],
    ['similar score should not change', { a: {}, b: {} }, { a: { loss: 0.03 } }, 'a'],
    ['latency 0 on both should maintain the choice', { a: { rtt: 0 }, b: { rtt: 0 } }, {}, 'a'],
    ['gain below the relative margin', { a: { rtt: 300 }, b: { rtt: 300 } }, { b: { rtt: 260 } }, 'a'],
    ['gain below the absolute margin', { a: { rtt: 12 }, b: { rtt: 12 } }, { b: { rtt: 5 } }, 'a'],
    ['gain above both margins', { a: { rtt: 300 }, b: { rtt: 300 } }, { b: { rtt: 120 } }, 'b'],
    ['bad score, replaced by a better one', { a: { rtt: 10 }, b: { rtt: 10 } }, { a: { rtt: 220 } }, 'b'],
    ['a better one that the user likes less', { a: { priority: 0 }, b: { priority: 1 } }, { a: { rtt: 150 } }, 'a'],
  ])('%s', async (_name, ways, changes, expected) => {
    const stage = await staged(ways);
    expect(stage.primary).toBe('a');

    for (const [name, change] of Object.entries(changes)) Object.assign(stage.world.link(`${name}0`), change);
    await stage.run(300_000);

    expect(stage.primary).toBe(expected);
    expect(stage.newsOf('failed_over')).toHaveLength(expected === 'a' ? 0 : 1);
  });

  it('does not exist any more: the best of the others follows at once', async () => {
    const stage = await staged({ a: {}, b: { priority: 1, rtt: 20 }, c: { priority: 1, rtt: 10 } });

    stage.gateway.reload(configOf({ b: { priority: 1 }, c: { priority: 1 } }));
    const took = await stage.runUntil(() => stage.primary !== 'a', 1_000);

    expect(stage.primary).toBe('b');
    expect(took).toBeLessThanOrEqual(100);
    expect(stage.newsOf('failed_over')).toMatchObject([{ reason: 'removed' }]);
  });
});

function configOf(ways: Record<string, Way>): ReturnType<typeof simulatedConfig> {
  const tunnels = Object.entries(ways).map(([name, { priority = 0 }]) => simulatedTunnel(name, { priority }));
  return simulatedConfig({ tunnels });
}

async function staged(ways: Record<string, Way>): Promise<Stage> {
  const stage = new Stage({ config: configOf(ways) });
  for (const [name, { rtt = 20, answers }] of Object.entries(ways)) {
    const link = stage.world.link(`${name}0`);
    Object.assign(link, { rtt, jitter: 1 });
    if (answers === 'never') stage.world.cut(`${name}0`);
    if (answers === 'down') link.faults = { raiseFails: 1 };
  }
  stage.gateway.start();
  await stage.run(10_000);
  return stage;
}
