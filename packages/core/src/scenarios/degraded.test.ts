import { describe, expect, it } from 'vitest';
import { HandProber, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

/** Round trips of 600 ms earn no points for speed, so that a score is half the share of replies. */
const SLOW = 600;

describe('a primary with a bad score', () => {
  it.each([
    { lost: 42, score: 29, primary: 'wg' },
    { lost: 40, score: 30, primary: 'he' },
  ])('is left below 30: $score of 100', async ({ lost, score, primary }) => {
    const { stage, prober } = await playing();

    await fill(stage, prober, { he0: { rtt: SLOW, lost }, wg0: { rtt: 20, lost: 0 } });

    expect(stage.news.some(({ news }) => news.type === 'failed_over')).toBe(primary === 'wg');
    expect(stage.primary).toBe(primary);
    if (primary === 'wg')
      expect(stage.newsOf('failed_over')[0]).toMatchObject({ fromScore: score, reason: 'degraded' });
    else expect(stage.tunnel('he').health?.score).toBe(score);
  });

  it.each([
    { lost: 2, score: 49, primary: 'he' },
    { lost: 0, score: 50, primary: 'wg' },
  ])('is left only for a backup of at least 50: $score of 100', async ({ lost, score, primary }) => {
    const { stage, prober } = await playing();

    await fill(stage, prober, { he0: { rtt: SLOW, lost: 60 }, wg0: { rtt: SLOW, lost } });

    expect(stage.tunnel('wg').health?.score).toBe(score);
    expect(stage.primary).toBe(primary);
    expect(stage.newsOf('no_backup')).toHaveLength(primary === 'he' ? 1 : 0);
  });

  it('is left at a check and not before', async () => {
    // Silence never decides here, however many probes are lost in a row.
    const health = { missesToSoftDown: 10_000, missesToHardDown: 10_000 };
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: config.tunnels, health }) });
    await stage.run(55_000);
    stage.world.link('he0').loss = 0.8;

    await stage.runUntil(() => stage.primary === 'wg', 300_000);

    expect(stage.clock.now() % config.failover.checkInterval).toBeLessThanOrEqual(5);
  });

  it('is not left for a tunnel that is merely better, where the user prefers it', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').rtt = 180;

    await stage.run(600_000);

    expect(stage.tunnel('he').health?.score).toBe(75);
    expect(stage.primary).toBe('he');
  });

  it('is left for a clearly better one of the same priority, at a check', async () => {
    const links = [{ iface: 'a0', rtt: 20 }];
    const tunnels = [simulatedTunnel('a'), simulatedTunnel('b')];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels }), links });
    await stage.run(70_000);

    stage.world.link('a0').rtt = 180;
    await stage.runUntil(() => stage.primary === 'b', 300_000);

    expect(stage.newsOf('failed_over')).toMatchObject([{ reason: 'better_path' }]);
    expect(stage.clock.now() % config.failover.checkInterval).toBeLessThanOrEqual(5);
  });
});

async function playing(): Promise<{ stage: Stage; prober: HandProber }> {
  const prober = new HandProber();
  const stage = new Stage({ config, host: (world) => ({ ...world, prober }) });
  stage.gateway.start();
  await stage.run(500);
  for (const iface of ['he0', 'wg0']) for (let i = 0; i < 6; i += 1) prober.reply(iface);
  await stage.run(2_500);
  return { stage, prober };
}

/** Forty slots of a hundred probes each, of which so many are lost, never four in a row where that can be helped. */
async function fill(
  stage: Stage,
  prober: HandProber,
  links: Record<string, { readonly rtt: number; readonly lost: number }>,
): Promise<void> {
  for (let slot = 0; slot < 40; slot += 1) {
    for (const [iface, { rtt, lost }] of Object.entries(links))
      for (let i = 0; i < 100; i += 1)
        Math.floor(((i + 1) * lost) / 100) > Math.floor((i * lost) / 100)
          ? prober.lose(iface)
          : prober.reply(iface, { rtt });
    await stage.run(3_000);
  }
}
