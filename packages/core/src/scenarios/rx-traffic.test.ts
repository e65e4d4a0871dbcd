import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

/** A megabyte a second: no verdict can fall between two looks at the counters. */
const BUSY = 1_000_000;

describe('traffic that comes in while probes go unanswered', () => {
  it('vetoes the verdict for ten seconds, and no longer', async () => {
    const stage = await Stage.running({ config });
    Object.assign(stage.world.link('he0'), { inflow: BUSY, loss: 1 });

    const took = await stage.runUntil(() => stage.primary === 'wg', 30_000);

    expect(took).toBeGreaterThan(10_000);
    expect(took).toBeLessThan(12_500);
  });

  it('saves a busy tunnel whose probes are dropped for some seconds', async () => {
    const stage = await Stage.running({ config });
    Object.assign(stage.world.link('he0'), { inflow: BUSY, loss: 1 });
    await stage.run(8_000);
    stage.world.link('he0').loss = 0;

    await stage.run(60_000);

    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.tunnel('he').liveness).toBe('alive');
  });

  it('does not help where the network itself says that it cannot deliver', async () => {
    const stage = await Stage.running({ config });
    Object.assign(stage.world.link('he0'), { inflow: BUSY, refuses: true });

    const took = await stage.runUntil(() => stage.primary === 'wg', 30_000);

    expect(took).toBeLessThanOrEqual(1_200);
  });

  it('does not help when it is no more than strays', async () => {
    const stage = await Stage.running({ config });
    Object.assign(stage.world.link('he0'), { inflow: 300, loss: 1 });

    const took = await stage.runUntil(() => stage.primary === 'wg', 30_000);

    expect(took).toBeLessThanOrEqual(1_200);
  });

  it.each(['meterHangs', 'meterFails'] as const)('is not missed where counters cannot be read (%s)', async (fault) => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...stage.world.faults, [fault]: 1 };
    Object.assign(stage.world.link('he0'), { inflow: BUSY, loss: 1 });

    const took = await stage.runUntil(() => stage.primary === 'wg', 30_000);

    expect(took).toBeLessThanOrEqual(1_200);
  });
});
