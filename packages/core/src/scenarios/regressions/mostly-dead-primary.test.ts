import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';
import type { Instant } from '../../units.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});
const LENGTH = 5_400_000;

// mihomo #432 (clash #2593): a preferred node that lost nine probes of ten took the traffic back with every tenth.
describe('a preferred tunnel that is alive for a tenth of the time', () => {
  it.each([1, 2])('is left once and never returned to while it answers one probe in ten (seed %i)', async (seed) => {
    const stage = await Stage.running({ config, seed });

    stage.world.link('he0').loss = 0.9;
    await stage.run(LENGTH / 2);

    expect(stage.newsOf('failed_over').map(({ to }) => to)).toEqual(['wg']);
    expect(stage.primary).toBe('wg');
  });

  // Each fall after a fail-back doubles what the next one takes: 60 s, 120 s, 240 s.
  it.each([
    [60, 0],
    [70, 1],
    [121, 2],
  ])(
    'that is well for %i s in every ten times as long gets it back %i times in an hour and a half',
    async (well, times) => {
      const stage = await Stage.running({ config });
      for (let t = 0; t < LENGTH; t += well * 10_000) {
        stage.world.cut('he');
        await stage.run(well * 9_000);
        stage.world.restore('he');
        await stage.run(well * 1_000);
      }

      expect(failbacks(stage)).toHaveLength(times);
      expect(stage.primary).toBe('wg');
    },
  );
});

function failbacks(stage: Stage): readonly Instant[] {
  return stage.news.flatMap(({ at, news }) => (news.type === 'failed_over' && news.reason === 'failback' ? [at] : []));
}
