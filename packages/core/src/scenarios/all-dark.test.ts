import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [
    simulatedTunnel('he', { type: 'he_6in4', priority: 0 }),
    simulatedTunnel('wg', { priority: 1 }),
    simulatedTunnel('mv', { type: 'mullvad', priority: 2 }),
  ],
});
const NAMES = ['he', 'wg', 'mv'];
const PHASES = Array.from({ length: 60 }, (_, i) => ({ phase: i * 9, seed: i + 1 }));

describe('an outage of all tunnels at once', () => {
  it.each(PHASES)('moves nothing, neither as it comes nor as it goes, cut at phase $phase ms', async (at) => {
    const stage = await Stage.running({ config, seed: at.seed });
    await stage.run(at.phase);
    for (const name of NAMES) stage.world.cut(name);
    await stage.run(20_000 + at.phase);
    for (const name of NAMES) stage.world.restore(name);

    await stage.run(120_000);

    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.newsOf('no_backup')).toHaveLength(1);
    expect(stage.gateway.status()).toMatchObject({ primary: 'he', stranded: false });
    expect(stage.world.egress()).toBe('he0');
  });

  it.each(PHASES)('moves nothing when it is over within seconds, cut at phase $phase ms', async (at) => {
    const stage = await Stage.running({ config, seed: at.seed });
    await stage.run(at.phase);
    for (const name of NAMES) stage.world.cut(name);
    await stage.run(1_000 + at.phase * 3);
    for (const name of NAMES) stage.world.restore(name);

    await stage.run(30_000);

    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.gateway.status()).toMatchObject({ primary: 'he', stranded: false });
  });

  it('ends with the first tunnel that comes back alone', async () => {
    const stage = await Stage.running({ config });
    for (const name of NAMES) stage.world.cut(name);
    await stage.run(20_000);

    stage.world.restore('mv');
    const took = await stage.runUntil(() => stage.world.egress() === 'mv0', 10_000);

    expect(stage.primary).toBe('mv');
    expect(took).toBeLessThanOrEqual(3_000);
  });
});
