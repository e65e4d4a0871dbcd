import { describe, expect, it } from 'vitest';
import { NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('ext', { type: 'external', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

// opnsense #6913: the provider's router rebooted at night, and after that nobody probed IPv6 until the user saw to it.
describe('an interface that goes away and comes back by itself', () => {
  it.each([100, 2_000, 20_000, 300_000, 3_600_000])(
    'is probed again within two seconds, gone for %i ms',
    async (gone) => {
      const stage = await Stage.running({ config });

      stage.world.vanish('ext0');
      await stage.run(gone);
      stage.world.appear('ext0');
      const took = await stage.runUntil(() => stage.tunnel('ext').liveness === 'alive', 120_000);
      await stage.run(100);

      expect(took).toBeLessThanOrEqual(2_000);
      expect(stage.world.plan.standbys).toMatchObject([{ iface: 'ext0' }]);
    },
  );

  it('is probed again however often it does so, and takes the traffic back in the end', async () => {
    const stage = await Stage.running({ config });

    for (let round = 0; round < 20; round += 1) {
      stage.world.vanish('ext0');
      await stage.run(3_000 + round * 211);
      stage.world.appear('ext0');
      await stage.runUntil(() => stage.tunnel('ext').liveness === 'alive', 5_000);
    }
    await stage.runUntil(() => stage.primary === 'ext', 7_200_000, 1_000);

    expect(stage.newsOf('probing_failed')).toEqual([]);
  });

  it('is found again by the next try where the host says nothing of its changes', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, monitorMisses: 1 };

    stage.world.vanish('ext0');
    await stage.run(20_000);
    stage.world.appear('ext0');
    const took = await stage.runUntil(() => stage.tunnel('ext').liveness === 'alive', 120_000);

    expect(took).toBeLessThanOrEqual(config.operation.retryMax);
  });
});
