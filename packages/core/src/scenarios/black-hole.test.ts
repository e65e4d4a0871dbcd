import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

/** The cut falls anywhere in the probes' cycle of at most 500 ms. */
const PHASES = Array.from({ length: 50 }, (_, i) => ({ phase: i * 11, seed: i + 1 }));

describe('a primary that becomes a black hole', () => {
  it.each(PHASES)('gives up new flows within 1.2 s, cut at phase $phase ms', async ({ phase, seed }) => {
    const stage = await Stage.running({ config, seed });
    await stage.run(phase);
    stage.world.cut('he');

    const took = await stage.runUntil(() => stage.world.egress() === 'wg0', 5_000);

    expect(took).toBeLessThanOrEqual(1_200);
  });

  it.each(PHASES)('is called unreachable within 2.8 s, cut at phase $phase ms', async ({ phase, seed }) => {
    const stage = await Stage.running({ config, seed });
    await stage.run(phase);
    stage.world.cut('he');

    const took = await stage.runUntil(() => stage.tunnel('he').liveness === 'hard_down', 5_000);

    expect(took).toBeLessThanOrEqual(2_800);
    expect(took).toBeGreaterThan(2_000);
    expect(stage.tunnel('he').health).toMatchObject({ score: 0, reachable: false });
  });

  it('is neither lowered nor raised again: only the route moves', async () => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;

    stage.world.cut('he');
    await stage.run(120_000);

    const effects = stage.steps.slice(from).flatMap((s) => s.effects.map((e) => e.type));
    expect(effects).not.toContain('raise');
    expect(effects).not.toContain('lower');
    expect(stage.world.plan.standbys).toEqual([]);
  });

  it('is said to degrade and to fail over, once', async () => {
    const stage = await Stage.running({ config });

    stage.world.cut('he');
    await stage.run(300_000);

    expect(stage.log().filter((line) => /degraded|Failing|unreachable|backup/.test(line))).toEqual([
      'Primary tunnel he health degraded: 0/100',
      'Failing over from he to wg (health: 0 -> 100)',
      'Tunnel he is unreachable',
    ]);
  });
});
