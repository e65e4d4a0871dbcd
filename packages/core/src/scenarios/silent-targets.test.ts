import { describe, expect, it } from 'vitest';
import { SIMULATED_TARGETS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const tunnels = [
  simulatedTunnel('he', { type: 'he_6in4', priority: 0 }),
  simulatedTunnel('he2', { type: 'he_6in4', priority: 1 }),
];
const config = simulatedConfig({ tunnels });

async function withSilentTargets(options = { config }): Promise<Stage> {
  const stage = await Stage.running(options);
  for (const target of SIMULATED_TARGETS) stage.world.deadTargets.add(target);
  return stage;
}

describe('targets that are silent through every tunnel', () => {
  it('are told once, change no primary, and leave the tunnels their scores', async () => {
    const stage = await withSilentTargets();

    await stage.run(600_000);

    expect(stage.newsOf('targets_silent')).toHaveLength(1);
    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.newsOf('tunnel_liveness').filter((n) => n.to === 'hard_down')).toEqual([]);
    for (const name of ['he', 'he2'])
      expect(stage.tunnel(name)).toMatchObject({ liveness: 'alive', health: { reachable: true, score: 100 } });
    expect(stage.gateway.status()).toMatchObject({ targetsSilent: true, primary: 'he', stranded: false });
  });

  it('do not keep a tunnel from being left that is really dead', async () => {
    const stage = await withSilentTargets();
    await stage.run(20_000);

    stage.world.cut('he', 'pop');
    const took = await stage.runUntil(() => stage.primary === 'he2', 5_000);

    expect(took).toBeLessThanOrEqual(1_500);
  });

  it('are probed again as soon as one of them answers', async () => {
    const stage = await withSilentTargets();
    await stage.run(60_000);

    stage.world.deadTargets.clear();
    await stage.run(10_000);

    expect(stage.newsOf('targets_heard')).toHaveLength(1);
    expect(stage.gateway.status().targetsSilent).toBe(false);
    const from = stage.steps.length;
    await stage.run(30_000);
    const asked = stage.steps
      .slice(from)
      .flatMap(({ event }) => (event.type === 'probed' && event.stream === 'targets' ? [event.finding.target] : []));
    expect(new Set(asked)).toEqual(new Set([SIMULATED_TARGETS[0]]));
  });

  it('are not believed in where a provider is silent too', async () => {
    const stage = await withSilentTargets();

    stage.world.cut('he2', 'pop');
    await stage.run(30_000);

    expect(stage.newsOf('targets_silent')).toEqual([]);
  });

  it('are the Internet that is out of reach, of a tunnel that is alone', async () => {
    const stage = await withSilentTargets({ config: simulatedConfig({ tunnels: tunnels.slice(0, 1) }) });

    await stage.run(30_000);

    expect(stage.newsOf('targets_silent')).toEqual([]);
    expect(stage.tunnel('he')).toMatchObject({ liveness: 'hard_down', faultPlace: 'upstream' });
  });

  it('are asked as ever once only one tunnel is left', async () => {
    const stage = await withSilentTargets();
    await stage.run(30_000);

    stage.gateway.lower('he2');
    await stage.run(30_000);

    expect(stage.gateway.status().targetsSilent).toBe(false);
    expect(stage.tunnel('he').faultPlace).toBe('upstream');
  });
});
