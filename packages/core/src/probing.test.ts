import { describe, expect, it } from 'vitest';
import { HandProber, SIMULATED_TARGETS, Stage, simulatedConfig, simulatedTunnel } from './testing/index.js';

const [FIRST, SECOND] = SIMULATED_TARGETS;
const config = simulatedConfig({ tunnels: [simulatedTunnel('he')] });

describe('the cadence of probing', () => {
  it('is quick, at all targets, until a tunnel has been judged', async () => {
    const { prober } = await byHand();

    expect(prober.plan('he0')).toMatchObject({ targets: [FIRST, SECOND], interval: 100, source: '2001:db8:1::2' });
  });

  it('is calm, at one target, while all is well', async () => {
    const { stage, prober } = await byHand();

    await reply(stage, prober, 6);

    expect(prober.plan('he0')).toMatchObject({ targets: [FIRST], interval: 600 });
  });

  it('is quick again with the first loss', async () => {
    const { stage, prober } = await byHand();
    await reply(stage, prober, 6);

    prober.lose('he0');
    await stage.run(1);

    expect(prober.plan('he0')).toMatchObject({ targets: [FIRST, SECOND], interval: 100 });
  });

  it('is no quicker than calm for a dead tunnel, but still asks all targets', async () => {
    const { stage, prober } = await byHand();
    await reply(stage, prober, 6);
    await lose(stage, prober, 30);

    expect(prober.plan('he0')).toMatchObject({ targets: [FIRST, SECOND], interval: 600 });
  });

  it('is quick as soon as a dead tunnel answers', async () => {
    const { stage, prober } = await byHand();
    await reply(stage, prober, 6);
    await lose(stage, prober, 30);

    await reply(stage, prober, 1);

    expect(prober.plan('he0')?.interval).toBe(100);
  });

  it('goes on from the round trip that is known', async () => {
    const { stage, prober } = await byHand();

    await reply(stage, prober, 6);

    expect(prober.plan('he0')?.rtt?.srtt).toBeCloseTo(20);
  });

  it('changes its plan no more often than it must', async () => {
    const { stage, prober } = await byHand();

    await reply(stage, prober, 200);

    expect(prober.plans).toHaveLength(2);
  });

  it('follows a reload of its deadlines', async () => {
    const { stage, prober } = await byHand();
    await reply(stage, prober, 6);

    const health = { deadline: { min: 300, max: 2_000 } };
    stage.gateway.reload(simulatedConfig({ tunnels: config.tunnels, health }));

    expect(prober.plan('he0')?.deadline).toEqual({ min: 300, max: 2_000 });
  });
});

async function byHand(): Promise<{ readonly stage: Stage; readonly prober: HandProber }> {
  const prober = new HandProber();
  const stage = new Stage({ config, host: (world) => ({ ...world, prober }) });
  stage.gateway.start();
  await stage.run(200);
  return { stage, prober };
}

async function reply(stage: Stage, prober: HandProber, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    prober.reply('he0');
    await stage.run(100);
  }
}

async function lose(stage: Stage, prober: HandProber, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    prober.lose('he0');
    await stage.run(100);
  }
}
