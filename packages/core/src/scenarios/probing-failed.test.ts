import { describe, expect, it } from 'vitest';
import { NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('probing that cannot begin', () => {
  it('is said once per tunnel, and tried again with growing pauses', async () => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, probingFails: 1 };

    stage.gateway.start();
    await stage.run(100_000);

    expect(stage.newsOf('probing_failed').map((n) => n.tunnel)).toEqual(['he', 'wg']);
    const tries = stage.steps.flatMap((s) =>
      s.effects.filter((e) => e.type === 'probe' && e.tunnel === 'he' && e.stream === 'targets'),
    );
    expect(tries).toHaveLength(7);
  });

  it('calls no tunnel dead', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, probingFails: 1, proberDies: 1 };

    await stage.run(300_000);

    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.tunnel('he').state).toBe('up');
  });

  it('measures as before once it works', async () => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, probingFails: 1 };
    stage.gateway.start();
    await stage.run(100_000);

    stage.world.faults = NO_FAULTS;
    await stage.run(61_000);

    expect(stage.primary).not.toBeNull();
    for (const name of ['he', 'wg']) expect(stage.tunnel(name).health?.score).toBe(100);
  });

  it('still lets a dead primary go for a backup that nobody can probe', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('wg0').faults = { proberDies: 1, probingFails: 1 };
    await stage.run(5_000);

    stage.world.cut('he');
    const took = await stage.runUntil(() => stage.primary === 'wg', 10_000);

    expect(took).toBeLessThanOrEqual(2_500);
  });
});
