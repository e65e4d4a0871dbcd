import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const wg = simulatedTunnel('wg', { priority: 1 });

describe('a sick primary without a fit backup', () => {
  it('keeps the route, and that is said once', async () => {
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: [he] }) });

    stage.world.cut('he');
    await stage.run(600_000);

    expect(stage.world.egress()).toBe('he0');
    expect(stage.gateway.status()).toMatchObject({ primary: 'he', stranded: true });
    expect(stage.newsOf('no_backup')).toHaveLength(1);
    expect(stage.newsOf('primary_degraded')).toHaveLength(1);
  });

  it('is not left for a backup that scores less than 50', async () => {
    const links = [{ iface: 'wg0', rtt: 600, loss: 0.2 }];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: [he, wg] }), links });
    await stage.run(120_000);

    stage.world.cut('he');
    await stage.run(5_000);

    expect(stage.tunnel('wg').health?.score).toBeLessThan(50);
    expect(stage.primary).toBe('he');
  });

  it('is the primary again once it answers, without a word of a switch', async () => {
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: [he] }) });
    stage.world.cut('he');
    await stage.run(60_000);

    stage.world.restore('he');
    await stage.run(10_000);

    expect(stage.gateway.status()).toMatchObject({ primary: 'he', stranded: false });
    expect(stage.newsOf('failed_over')).toEqual([]);
  });

  it('is left as soon as a backup becomes fit', async () => {
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: [he, wg] }) });
    stage.world.cut('wg');
    await stage.run(10_000);
    stage.world.cut('he');
    await stage.run(30_000);

    stage.world.restore('wg');
    const took = await stage.runUntil(() => stage.world.egress() === 'wg0', 10_000);

    expect(took).toBeLessThanOrEqual(3_000);
    expect(stage.newsOf('no_backup')).toHaveLength(1);
    expect(stage.newsOf('primary_degraded')).toHaveLength(1);
  });
});
