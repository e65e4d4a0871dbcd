import { describe, expect, it } from 'vitest';
import { HandProber, Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

// Cloudflare's rules for tunnel health checks: two failures before anything counts, fast down, slow up, and a penalty
// that leaves the only tunnel in service (no-backup.test.ts).
describe('the health of a tunnel', () => {
  it('is not changed by single lost probes, whatever they add up to', async () => {
    const { stage, prober } = await byHand();
    const from = stage.steps.length;

    // Three minutes, in which every tenth probe of the primary is lost.
    for (let i = 0; i < 360; i += 1) {
      if (i % 10 === 0) prober.lose('he0');
      else prober.reply('he0');
      prober.reply('wg0');
      await stage.run(500);
    }

    const plans = stage.steps.slice(from).flatMap((s) => s.effects.filter((e) => e.type === 'apply_route'));
    expect(new Set(plans.map(({ plan }) => JSON.stringify(plan)))).toHaveLength(1);
    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.log().filter((line) => /stopped|unreachable|degraded/.test(line))).toEqual([]);
    expect(stage.tunnel('he').health?.score).toSatisfy((score: number) => score >= 88 && score <= 92);
  });

  it.each([
    ['one failure', 'x', 'suspect'],
    ['failures that a success divides', 'xxx.xxx', 'suspect'],
    ['four in a row', 'xxxx', 'soft_down'],
    ['three successes after that', 'xxxx...', 'alive'],
    ['two successes after that', 'xxxx..', 'soft_down'],
  ])('after %s: %s is %s', async (_what, outcomes, liveness) => {
    const { stage, prober } = await byHand();

    for (const outcome of outcomes) {
      if (outcome === 'x') prober.lose('he0');
      else prober.reply('he0');
      await stage.run(50);
    }

    expect(stage.tunnel('he').liveness).toBe(liveness);
  });

  it('goes quickly and comes slowly: a second to leave it, a minute of good behaviour to return', async () => {
    const stage = await Stage.running({ config });

    stage.world.cut('he');
    const down = await stage.runUntil(() => stage.world.egress() === 'wg0', 5_000);
    await stage.run(10_000);
    stage.world.restore('he');
    const up = await stage.runUntil(() => stage.world.egress() === 'he0', 120_000);

    expect(down).toBeLessThanOrEqual(1_200);
    expect(up).toBeGreaterThanOrEqual(60_000);
  });
});

async function byHand(): Promise<{ stage: Stage; prober: HandProber }> {
  const prober = new HandProber();
  const stage = new Stage({ config, host: (world) => ({ ...world, prober }) });
  stage.gateway.start();
  await stage.run(500);
  for (const iface of ['he0', 'wg0']) for (let i = 0; i < 6; i += 1) prober.reply(iface);
  await stage.run(2_500);
  return { stage, prober };
}
