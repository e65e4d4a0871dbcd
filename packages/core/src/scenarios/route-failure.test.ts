import { describe, expect, it } from 'vitest';
import { NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('a default route that cannot be set', () => {
  it('is tried again with growing pauses, and that is said once', async () => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, routeFails: 1 };
    stage.gateway.start();
    await stage.run(300_000);
    expect(stage.newsOf('route_failed')).toHaveLength(1);

    stage.world.faults = NO_FAULTS;
    await stage.run(60_100);

    expect(stage.world.egress()).toBe('he0');
  });

  it('is said to have failed when the host does not answer at all', async () => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, routeHangs: 1 };

    stage.gateway.start();
    await stage.run(60_000);

    expect(stage.newsOf('route_failed')).toHaveLength(1);
  });

  it('is put back within a minute when somebody removes it', async () => {
    const stage = await Stage.running({ config });
    stage.world.flush();

    await stage.run(60_000);

    expect(stage.world.egress()).toBe('he0');
  });

  it('does not hold up the way out of a dead tunnel', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, routeFails: 1 };
    stage.gateway.lower('wg');
    await stage.run(200_000);
    stage.gateway.raise('wg');
    await stage.run(10_000);
    stage.world.faults = NO_FAULTS;

    stage.world.cut('he');
    const took = await stage.runUntil(() => stage.world.egress() === 'wg0', 5_000);

    expect(took).toBeLessThanOrEqual(1_200);
  });
});
