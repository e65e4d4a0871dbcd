import { expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

// pfsense pull request #4159: connections over the first line were killed because the second one was flapping.
it.each([1, 5, 30])(
  'a standby that is gone for %i s and back for as long moves nothing while the primary is well',
  async (seconds) => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;

    for (let t = 0; t < 900; t += 2 * seconds) {
      stage.world.cut('wg');
      await stage.run(seconds * 1_000);
      stage.world.restore('wg');
      await stage.run(seconds * 1_000);
    }

    const effects = stage.steps.slice(from).flatMap((step) => step.effects);
    const ways = effects.flatMap((e) => (e.type === 'apply_route' ? [e.plan.via?.iface] : []));
    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(new Set(ways)).toEqual(new Set(['he0']));
    expect(effects.filter((e) => e.type === 'raise' || e.type === 'lower')).toEqual([]);
    expect(stage.tunnel('he').health?.score).toBe(100);
  },
);
