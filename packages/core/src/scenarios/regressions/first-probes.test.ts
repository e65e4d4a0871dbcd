import { describe, expect, it } from 'vitest';
import { sentenceOf } from '../../news.js';
import { HandProber, Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({ tunnels: [simulatedTunnel('he', { type: 'he_6in4' })] });

// dpinger in its first seconds: one slow reply was a latency alarm, one lost probe was "loss 100 %".
describe('the first probes of a tunnel that has just come up', () => {
  it.each([1, 2, 3, 4])('raise no alarm and make no score, however they end: %i of them', async (count) => {
    for (const end of ['lost', 'slow', 'late'] as const) {
      const { stage, prober } = await byHand();

      for (let i = 0; i < count; i += 1) {
        if (end === 'slow') prober.reply('he0', { rtt: 900 });
        else prober.lose('he0');
        await stage.run(100);
      }
      if (end === 'late') prober.reply('he0', { rtt: 1_700, late: true });
      await stage.run(1_000);

      expect(stage.tunnel('he').health).toBeNull();
      expect(alarms(stage)).toEqual([]);
    }
  });

  it('are forgotten once the tunnel answers as it should', async () => {
    const { stage, prober } = await byHand();
    for (let i = 0; i < 4; i += 1) prober.lose('he0');

    for (let slot = 0; slot < 20; slot += 1) {
      await stage.run(3_000);
      for (let i = 0; i < 6; i += 1) prober.reply('he0');
    }
    await stage.run(10);

    expect(stage.tunnel('he')).toMatchObject({ liveness: 'alive', health: { score: 100, loss: 0 } });
    expect(alarms(stage)).toEqual([]);
  });
});

async function byHand(): Promise<{ stage: Stage; prober: HandProber }> {
  const prober = new HandProber();
  const stage = new Stage({ config, host: (world) => ({ ...world, prober }) });
  stage.gateway.start();
  await stage.run(500);
  return { stage, prober };
}

function alarms(stage: Stage): readonly string[] {
  const said = stage.news.map(({ news }) => sentenceOf(news));
  return said.filter(({ level }) => level === 'warn' || level === 'error').map(({ text }) => text);
}
