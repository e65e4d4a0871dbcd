import { expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('ext', { type: 'external', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});
const ROUNDS = 20;

// opnsense #7635, #7027: the probe's socket stayed bound to an old address and saw 100 % loss until it was restarted.
it('a tunnel whose address changes again and again is probed from the new one, and loses nothing', async () => {
  const stage = await Stage.running({ config });

  for (let round = 1; round <= ROUNDS; round += 1) {
    stage.world.readdress('ext0', `2001:db8:77:${round}::2`);
    await stage.run(60_000 + round * 37);
    expect(stage.tunnel('ext').health?.score).toBeGreaterThanOrEqual(95);
  }

  // A probe may be on its way at the moment of a change; one in three rounds would be a slow hand-over.
  expect(stage.newsOf('tunnel_liveness').filter(({ to }) => to === 'suspect').length).toBeLessThanOrEqual(ROUNDS / 3);
  expect(stage.newsOf('tunnel_liveness').filter(({ to }) => to.endsWith('down'))).toEqual([]);
  expect(stage.newsOf('failed_over')).toEqual([]);
  expect(stage.newsOf('tunnel_state').filter(({ to }) => to === 'failed')).toEqual([]);
  expect(stage.world.plan.via).toMatchObject({ iface: 'ext0', source: '2001:db8:77:20::2' });
});
