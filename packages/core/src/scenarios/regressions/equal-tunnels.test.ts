import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({ tunnels: [simulatedTunnel('a'), simulatedTunnel('b')] });
const HOURS = 1;

// netbird #2150: a pair of equally good routers in one place, and the route went to and fro between them. tailscale's
// "hysteresis, no switch absolute": less than 10 ms are no reason to move. The score has steps at these latencies.
describe('two equally good tunnels of one priority', () => {
  it.each([50, 100, 200, 500])(
    'do not take the route from each other in turn, both about %i ms far',
    async (latency) => {
      const links = ['a0', 'b0'].map((iface) => ({ iface, rtt: latency - 2.5 }));
      const stage = await Stage.running({ config, links });

      await stage.run(HOURS * 3_600_000);

      expect(stage.newsOf('failed_over').length).toBeLessThanOrEqual(HOURS);
    },
  );

  it('do not change places for four milliseconds', async () => {
    const stage = await Stage.running({
      config,
      links: [
        { iface: 'a0', rtt: 45 },
        { iface: 'b0', rtt: 45 },
      ],
    });
    for (const iface of ['a0', 'b0']) stage.world.link(iface).jitter = 0;
    await stage.run(130_000);

    Object.assign(stage.world.link('a0'), { rtt: 52 });
    Object.assign(stage.world.link('b0'), { rtt: 48 });
    await stage.run(300_000);

    expect(stage.newsOf('failed_over')).toEqual([]);
  });
});
