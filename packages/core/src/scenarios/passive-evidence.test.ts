import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});
const BUSY = 100_000;
const PHASES = Array.from({ length: 20 }, (_, i) => ({ phase: i * 431, seed: i + 1 }));

/** Probes of a tunnel's targets that were answered for, per second. */
async function rate(stage: Stage, tunnel: string, seconds: number): Promise<number> {
  const from = stage.steps.length;
  await stage.run(seconds * 1_000);
  const probes = stage.steps
    .slice(from)
    .filter(({ event }) => event.type === 'probed' && event.tunnel === tunnel && event.stream === 'targets');
  return probes.length / seconds;
}

describe('probes of a tunnel', () => {
  it('are at most two a second while nothing flows', async () => {
    const stage = await Stage.running({ config });

    expect(await rate(stage, 'he', 300)).toBeLessThanOrEqual(2);
  });

  it('are at most one in five seconds while traffic proves it alive', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').inflow = BUSY;
    await stage.run(10_000);

    expect(await rate(stage, 'he', 300)).toBeLessThanOrEqual(0.2);
    expect(await rate(stage, 'wg', 300)).toBeGreaterThan(1.5);
    expect(stage.tunnel('he')).toMatchObject({ liveness: 'alive', health: { score: 100 } });
  });

  it('come as often as before once traffic has ended', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').inflow = BUSY;
    await stage.run(20_000);

    stage.world.link('he0').count(stage.clock.now());
    stage.world.link('he0').inflow = 0;
    await stage.run(1_000);

    expect(await rate(stage, 'he', 60)).toBeGreaterThan(1.5);
  });

  it.each(['meterHangs', 'meterFails'] as const)(
    'do not stay away where nobody counts any more (%s)',
    async (fault) => {
      const stage = await Stage.running({ config });
      stage.world.link('he0').inflow = BUSY;
      await stage.run(20_000);

      stage.world.faults = { ...stage.world.faults, [fault]: 1 };
      await stage.run(3_000);

      expect(await rate(stage, 'he', 60)).toBeGreaterThan(1.5);
    },
  );

  it('are not made rarer by a trickle', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').inflow = 500;
    await stage.run(20_000);

    expect(await rate(stage, 'he', 60)).toBeGreaterThan(1.5);
  });
});

describe('bytes that go out into a silence', () => {
  const quick = (stage: Stage, from: number): readonly number[] =>
    stage.steps
      .slice(from)
      .filter(({ effects }) => effects.some((e) => e.type === 'probe' && e.tunnel === 'he' && e.plan?.interval === 100))
      .map(({ now }) => now);

  it.each([BUSY, 0])(
    'have probes sent at once, before any is missed, where %i bytes a second still go out',
    async (out) => {
      const stage = await Stage.running({ config });
      Object.assign(stage.world.link('he0'), { inflow: BUSY, outflow: out });
      await stage.run(3_000);
      const [from, stopped] = [stage.steps.length, stage.clock.now()];

      stage.world.link('he0').count(stage.clock.now());
      stage.world.link('he0').inflow = 0;
      await stage.run(700);

      // A reply to a probe that was still under way begins the gap of 250 ms anew, once: they are 528 ms apart.
      // What ends without anything waiting for an answer is no reason to ask.
      expect(quick(stage, from).filter((at) => at - stopped < 650)).toHaveLength(out > 0 ? 1 : 0);
      await stage.run(60_000);
      expect(stage.tunnel('he')).toMatchObject({ liveness: 'alive' });
      expect(stage.newsOf('failed_over')).toEqual([]);
    },
  );
});

describe('a busy tunnel that becomes a black hole', () => {
  it.each(PHASES)('is left as soon as an idle one, at phase $phase ms', async ({ phase, seed }) => {
    const stage = await Stage.running({ config, seed });
    stage.world.link('he0').inflow = BUSY;
    await stage.run(20_000 + phase);

    stage.world.cut('he');
    const took = await stage.runUntil(() => stage.primary === 'wg', 10_000);

    expect(took).toBeLessThanOrEqual(1_200);
  });

  it.each(PHASES.slice(0, 5))('is left for one that is busy too, at phase $phase ms', async ({ phase, seed }) => {
    const stage = await Stage.running({ config, seed });
    for (const name of ['he0', 'wg0']) stage.world.link(name).inflow = BUSY;
    await stage.run(20_000 + phase);

    stage.world.cut('he');
    const took = await stage.runUntil(() => stage.primary === 'wg', 10_000);

    expect(took).toBeLessThanOrEqual(1_500);
  });

  it('is left within its patience when traffic still comes in and nothing goes out', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').inflow = BUSY;
    await stage.run(20_000);

    stage.world.link('he0').loss = 1;
    const took = await stage.runUntil(() => stage.primary === 'wg', 60_000);

    expect(took).toBeLessThan(22_000);
  });
});
