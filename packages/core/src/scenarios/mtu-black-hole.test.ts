import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('a tunnel that loses large packets and tells nobody', () => {
  it.each([0, 3_000, 9_000, 17_000])('is noticed within 30 s, from %i ms on', async (phase) => {
    const stage = await Stage.running({ config });
    await stage.run(phase);

    stage.world.link('he0').passes = 1_400;
    const took = await stage.runUntil(() => stage.newsOf('mtu_black_hole').length > 0, 60_000);

    expect(took).toBeLessThanOrEqual(30_000);
    expect(stage.newsOf('mtu_black_hole')).toMatchObject([{ tunnel: 'he', size: 1_480 }]);
    expect(stage.sentences().at(-1)).toMatch(/^\[WARN\] Tunnel he loses packets of 1480 bytes .*mtu = 1280/);
  });

  it('is told once, moves no traffic, and is told when it is over', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('wg0').passes = 1_300;
    await stage.run(600_000);
    expect(stage.newsOf('mtu_black_hole').map((n) => n.remedy)).toEqual([expect.stringContaining('wg-quick')]);
    expect(stage.tunnel('wg')).toMatchObject({ mtuBlackHole: true, liveness: 'alive', health: { score: 100 } });

    stage.world.link('wg0').passes = null;
    await stage.run(30_000);

    expect(stage.newsOf('mtu_black_hole_over')).toHaveLength(1);
    expect(stage.newsOf('failed_over')).toEqual([]);
  });

  it.each([0.2, 0.5])('is not suspected of a tunnel that loses %f of everything', async (loss) => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').loss = loss;

    await stage.run(1_800_000);

    expect(stage.newsOf('mtu_black_hole')).toEqual([]);
  });

  it('is not suspected of one that loses everything', async () => {
    const stage = await Stage.running({ config });

    stage.world.cut('he');
    await stage.run(600_000);

    expect(stage.newsOf('mtu_black_hole')).toEqual([]);
  });

  it('is not looked for in a tunnel as narrow as IPv6 allows', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').mtu = 1_280;
    stage.world.readdress('he0', stage.world.link('he0').address);
    await stage.run(1_000);
    const from = stage.steps.length;

    await stage.run(60_000);

    const asked = stage.steps
      .slice(from)
      .flatMap(({ event }) => (event.type === 'probed' && event.stream === 'size' ? [event.tunnel] : []));
    expect(new Set(asked)).toEqual(new Set(['wg']));
  });
});
