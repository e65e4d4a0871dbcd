import { expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});
const MINUTES = 15;

// pfsense pull request #4159: the line that nobody uses flaps for days. The log has to stay readable meanwhile.
it.each([1, 5, 30])('a standby that is gone for %i s and back for as long does not flood the log', async (seconds) => {
  const stage = await Stage.running({ config });
  const said = stage.log().length;

  for (let t = 0; t < MINUTES * 60; t += 2 * seconds) {
    stage.world.cut('wg');
    await stage.run(seconds * 1_000);
    stage.world.restore('wg');
    await stage.run(seconds * 1_000);
  }

  expect(stage.log().length - said).toBeLessThanOrEqual(2 * MINUTES);
});
