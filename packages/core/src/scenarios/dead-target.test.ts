import { describe, expect, it } from 'vitest';
import { SIMULATED_TARGETS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const [FIRST, SECOND] = SIMULATED_TARGETS;
const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});
const PHASES = Array.from({ length: 30 }, (_, i) => ({ phase: i * 17, seed: i + 1 }));

describe('a target that falls silent for everybody', () => {
  it.each(PHASES)('changes no primary and no score, at phase $phase ms', async ({ phase, seed }) => {
    const stage = await Stage.running({ config, seed });
    await stage.run(phase);

    stage.world.deadTargets.add(FIRST);
    await stage.run(600_000);

    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.newsOf('tunnel_liveness').filter((n) => n.to.endsWith('down'))).toEqual([]);
    expect(stage.tunnel('he').health?.score).toBe(100);
    expect(stage.tunnel('wg').health?.score).toBe(100);
    expect(stage.newsOf('target_switched').map((n) => [n.tunnel, n.from, n.to])).toEqual(
      expect.arrayContaining([
        ['he', FIRST, SECOND],
        ['wg', FIRST, SECOND],
      ]),
    );
    expect(stage.newsOf('target_switched')).toHaveLength(2);
  });

  it('is left alone from then on', async () => {
    const stage = await Stage.running({ config });
    stage.world.deadTargets.add(FIRST);
    await stage.run(20_000);
    const from = stage.steps.length;

    await stage.run(60_000);

    const asked = stage.steps
      .slice(from)
      .flatMap(({ event }) => (event.type === 'probed' && event.stream === 'targets' ? [event.finding.target] : []));
    expect(new Set(asked)).toEqual(new Set([SECOND]));
  });

  it('does no harm when it is dead from the beginning', async () => {
    const stage = new Stage({ config });
    stage.world.deadTargets.add(FIRST);

    stage.gateway.start();
    await stage.run(10_000);

    expect(stage.gateway.status()).toMatchObject({ primary: 'he', stranded: false });
    expect(stage.tunnel('wg').health?.score).toBe(100);
  });

  it('moves probing on to the third when two are dead', async () => {
    const targets = [...SIMULATED_TARGETS, '2001:db8:ffff::3'];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: config.tunnels, health: { targets } }) });

    stage.world.deadTargets.add(FIRST).add(SECOND);
    await stage.run(60_000);

    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.tunnel('he').health?.score).toBe(100);
  });

  it('is not asked any more once a reload has taken it out', async () => {
    const stage = await Stage.running({ config });
    stage.world.deadTargets.add(FIRST);
    await stage.run(20_000);

    const targets = ['2001:db8:ffff::3', '2001:db8:ffff::4'];
    stage.gateway.reload(simulatedConfig({ tunnels: config.tunnels, health: { targets } }));
    await stage.run(1_000);
    const from = stage.steps.length;
    await stage.run(20_000);

    const asked = stage.steps
      .slice(from)
      .flatMap(({ event }) => (event.type === 'probed' && event.stream === 'targets' ? [event.finding.target] : []));
    expect(new Set(asked)).toEqual(new Set(['2001:db8:ffff::3']));
    expect(stage.newsOf('target_switched')).toHaveLength(2);
  });
});
