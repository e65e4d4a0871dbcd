import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel, VirtualClock } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('a machine that slept', () => {
  it('measures every tunnel afresh and keeps its primary: unknown is not bad', async () => {
    const stage = await Stage.running({ config });

    stage.clock.nap(3_600_000);
    await stage.runUntil(() => stage.newsOf('woke').length > 0, 1_000, 1);
    expect(stage.tunnel('he')).toMatchObject({ state: 'up', health: null, liveness: 'unknown' });
    expect(stage.primary).toBe('he');
    await stage.run(3_000);

    expect(stage.tunnel('he')).toMatchObject({ liveness: 'alive', health: { score: 100 } });
    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.log()).toContain('Asleep for 3600 s: every tunnel is measured afresh');
  });

  it('leaves a primary that died meanwhile', async () => {
    const stage = await Stage.running({ config });

    stage.world.cut('he');
    stage.clock.nap(60_000);

    expect(await stage.runUntil(() => stage.primary === 'wg', 4_000)).toBeLessThan(3_500);
  });

  it('takes a step of the wall clock for nothing but another time of day', async () => {
    const stage = await Stage.running({ config });

    for (const seconds of [86_400, -172_800]) stage.clock.skewWall(seconds);
    await stage.run(5_000);

    expect(stage.newsOf('woke')).toEqual([]);
    expect(stage.newsOf('tunnel_liveness').filter((news) => news.to !== 'alive')).toEqual([]);
  });

  it('does not notice on a clock that cannot tell', () => {
    expect(new VirtualClock().asleep()).toBe(0);
  });
});
