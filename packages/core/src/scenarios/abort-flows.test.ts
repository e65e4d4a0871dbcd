import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const tunnels = [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })];
const plain = simulatedConfig({ tunnels });
const config = { ...plain, failover: { ...plain.failover, abortFlows: true } };

describe('connections over a tunnel that has become unreachable', () => {
  it('are ended once, when a backup has the route', async () => {
    const stage = await Stage.running({ config });
    const address = stage.world.link('he0').address;

    stage.world.cut('he');
    await stage.runUntil(() => stage.tunnel('he').liveness === 'soft_down', 2_000);
    expect(stage.world.aborted).toEqual([]);
    await stage.run(20_000);

    expect(stage.world.aborted).toEqual([address]);
    expect(stage.log()).toContain('Ended 1 connection over unreachable tunnel he');
  });

  it('are left alone without a backup', async () => {
    const stage = await Stage.running({ config });

    stage.world.cut('wg');
    stage.world.cut('he');
    await stage.run(20_000);

    expect(stage.tunnel('he').liveness).toBe('hard_down');
    expect(stage.world.aborted).toEqual([]);
  });

  it('are left alone unless the user asked for it', async () => {
    const stage = await Stage.running({ config: plain });

    stage.world.cut('he');
    await stage.run(20_000);

    expect(stage.primary).toBe('wg');
    expect(stage.world.aborted).toEqual([]);
  });

  it('are ended again when it dies again', async () => {
    const stage = await Stage.running({ config });

    for (let round = 0; round < 2; round += 1) {
      stage.world.cut('he');
      await stage.run(10_000);
      stage.world.restore('he');
      await stage.run(200_000);
    }

    expect(stage.world.aborted).toHaveLength(2);
  });
});
