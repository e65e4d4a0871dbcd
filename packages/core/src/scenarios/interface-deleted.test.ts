import { describe, expect, it } from 'vitest';
import { NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('a primary whose interface is deleted', () => {
  it('loses the route at once', async () => {
    const stage = await Stage.running({ config });

    stage.world.vanish('he0');
    const took = await stage.runUntil(() => stage.primary === 'wg', 1_000);

    expect(took).toBeLessThanOrEqual(100);
    expect(stage.newsOf('failed_over')).toMatchObject([{ from: 'he', to: 'wg', reason: 'not_up' }]);
  });

  it('is brought up again by itself', async () => {
    const stage = await Stage.running({ config });

    stage.world.vanish('he0');
    await stage.run(5_000);

    expect(stage.tunnel('he')).toMatchObject({ state: 'up', liveness: 'alive' });
    expect(stage.world.link('he0').present).toBe(true);
  });

  it('loses the route within 1.2 s where the host says nothing of it', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, monitorMisses: 1 };

    stage.world.vanish('he0');
    const took = await stage.runUntil(() => stage.primary === 'wg', 5_000);

    expect(took).toBeLessThanOrEqual(1_200);
  });

  it('loses the route within 1.2 s on a host without a monitor', async () => {
    const stage = await Stage.running({
      config,
      host: ({ drivers, prober, routes, meter }) => ({ drivers, prober, routes, meter }),
    });

    stage.world.vanish('he0');
    const took = await stage.runUntil(() => stage.primary === 'wg', 5_000);

    expect(took).toBeLessThanOrEqual(1_200);
  });

  it.each([0, 1])('comes back after it was made anew behind our back (unreported: %i)', async (monitorMisses) => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, monitorMisses };
    stage.world.vanish('he0');
    stage.world.appear('he0');

    await stage.run(3_000);

    expect(
      stage
        .newsOf('tunnel_state')
        .filter((n) => n.to === 'up')
        .map((n) => n.tunnel),
    ).toEqual(['he', 'wg', 'he']);
    expect(stage.world.egress()).toBe('wg0');
  });

  it('takes back an external interface soon after it reappears', async () => {
    const tunnels = [simulatedTunnel('ext', { type: 'external' })];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels }) });
    stage.world.vanish('ext0');
    await stage.run(300_000);

    stage.world.appear('ext0');
    const took = await stage.runUntil(() => stage.tunnel('ext').state === 'up', 120_000);

    expect(took).toBeLessThanOrEqual(1_500);
  });
});
