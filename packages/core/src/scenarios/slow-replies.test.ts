import { describe, expect, it } from 'vitest';
import { HandProber, SIMULATED_TARGETS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const [FIRST, SECOND] = SIMULATED_TARGETS;
const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('slow replies', () => {
  it('raise no alarm when only the first is slow', async () => {
    const { stage, prober } = await byHand();
    prober.lose('he0');
    await stage.run(700);
    prober.reply('he0', { rtt: 1_700, late: true });

    for (let i = 0; i < 6; i += 1) prober.reply('he0');
    await stage.run(1_000);

    expect(stage.newsOf('tunnel_liveness').map((n) => n.to)).toEqual(['alive']);
    expect(stage.tunnel('he').health).toMatchObject({ reachable: true, loss: 0 });
  });

  it('take losses back when they come late', async () => {
    const { stage, prober } = await byHand();
    for (let i = 0; i < 10; i += 1) prober.reply('he0');
    prober.lose('he0');
    await stage.run(10);
    expect(stage.tunnel('he').health?.loss).toBeGreaterThan(0);

    prober.reply('he0', { rtt: 300, late: true });
    await stage.run(10);

    expect(stage.tunnel('he').health?.loss).toBe(0);
  });

  it('never make a tunnel unreachable as long as they come', async () => {
    const { stage, prober } = await byHand();
    for (let i = 0; i < 10; i += 1) prober.reply('he0');

    for (let i = 0; i < 100; i += 1) {
      prober.lose('he0');
      await stage.run(100);
      if (i % 3 === 2) prober.reply('he0', { rtt: 300, late: true });
    }

    expect(stage.newsOf('tunnel_liveness').map((n) => n.to)).not.toContain('hard_down');
  });

  it('make the prober wait longer, so that a path that became slow is not called dead', async () => {
    const stage = await Stage.running({ config });

    stage.world.link('he0').rtt = 600;
    await stage.run(60_000);

    expect(stage.tunnel('he').liveness).toBe('alive');
    expect(stage.newsOf('tunnel_liveness').map((n) => n.to)).not.toContain('hard_down');
  });
});

describe('several targets', () => {
  it('do not hide a silent regular target behind the answer another once gave', async () => {
    const { stage, prober } = await byHand();
    for (let i = 0; i < 6; i += 1) {
      prober.reply('he0', { target: FIRST });
      prober.reply('he0', { target: SECOND });
    }
    await stage.run(1);
    expect(prober.plan('he0')?.targets).toEqual([FIRST]);

    prober.lose('he0', FIRST);
    await stage.run(1);

    expect(stage.tunnel('he').liveness).toBe('suspect');
  });
});

async function byHand(): Promise<{ stage: Stage; prober: HandProber }> {
  const prober = new HandProber();
  const stage = new Stage({ config, host: (world) => ({ ...world, prober }) });
  stage.gateway.start();
  await stage.run(500);
  return { stage, prober };
}
