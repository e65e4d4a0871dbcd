import { expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [0, 1, 2].map((priority) => simulatedTunnel(`t${priority}`, { priority })),
});

const PHASES = Array.from({ length: 30 }, (_, i) => i * 17);

it.each(PHASES)('a dead primary is followed by the next in the user’s order, cut at phase %i ms', async (phase) => {
  const stage = await Stage.running({ config, seed: phase + 1 });
  await stage.run(phase);

  stage.world.cut('t0');
  await stage.runUntil(() => stage.primary !== 't0', 1_500);

  expect(stage.primary).toBe('t1');
});
