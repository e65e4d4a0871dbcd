import { describe, expect, it } from 'vitest';
import { type CutPlace, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const he2 = simulatedTunnel('he2', { type: 'he_6in4', priority: 1 });
const wg = simulatedTunnel('wg', { priority: 2 });
const config = simulatedConfig({ tunnels: [he, he2, wg] });

const places = (stage: Stage): readonly (string | null)[] => ['he', 'he2', 'wg'].map((n) => stage.tunnel(n).faultPlace);

describe('where a silent tunnel is broken', () => {
  it.each<CutPlace>(['underlay', 'pop', 'upstream'])('is found out within five seconds: %s', async (place) => {
    const stage = await Stage.running({ config });

    stage.world.cut('he', place);
    const took = await stage.runUntil(() => stage.tunnel('he').faultPlace !== null, 10_000);

    expect(places(stage)).toEqual([place, null, null]);
    expect(took).toBeLessThan(5_000);
    await stage.run(60_000);
    expect(places(stage)).toEqual([place, null, null]);
    expect(stage.newsOf('fault_located')).toMatchObject([{ tunnel: 'he', place }]);
  });

  it('is forgotten once the tunnel answers again', async () => {
    const stage = await Stage.running({ config });
    stage.world.cut('he', 'pop');
    await stage.run(10_000);

    stage.world.restore('he');
    await stage.run(10_000);

    expect(places(stage)).toEqual([null, null, null]);
  });

  it('is not where the one before it was', async () => {
    const stage = await Stage.running({ config });
    stage.world.cut('he', 'underlay');
    await stage.run(10_000);
    stage.world.restore('he');
    await stage.run(10_000);

    stage.world.cut('he', 'pop');
    await stage.run(10_000);

    expect(stage.newsOf('fault_located').map((n) => n.place)).toEqual(['underlay', 'pop']);
  });

  it('is told anew when it moves', async () => {
    const stage = await Stage.running({ config });
    stage.world.cut('he', 'upstream');
    await stage.run(30_000);

    stage.world.cut('he', 'underlay');
    await stage.run(60_000);

    expect(stage.newsOf('fault_located').map((n) => n.place)).toEqual(['upstream', 'underlay']);
  });

  it('is this machine where the tunnel cannot come up', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...stage.world.faults, raiseFails: 1 };

    stage.world.vanish('he0');
    await stage.run(2_000);

    expect(stage.tunnel('he')).toMatchObject({ state: 'failed', faultPlace: 'local' });
  });

  it('is not laid at the door of a server that never answers anybody', async () => {
    const stage = new Stage({ config });
    Object.assign(stage.world.link('he0'), { popMute: true, underlayMute: true });
    stage.gateway.start();
    await stage.run(10_000);

    stage.world.cut('he', 'upstream');
    await stage.run(30_000);

    expect(stage.tunnel('he')).toMatchObject({ liveness: 'hard_down', faultPlace: null });
  });

  it('is not the server while the way to it, which has never answered, may be the broken one', async () => {
    const stage = new Stage({ config });
    stage.world.link('he0').underlayMute = true;
    stage.gateway.start();
    await stage.run(10_000);

    stage.world.cut('he', 'underlay');
    await stage.run(30_000);

    expect(stage.tunnel('he')).toMatchObject({ liveness: 'hard_down', faultPlace: null });
  });

  it('is the server, or beyond, where only the way to it can be asked', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: [he, wg] }) });
    stage.world.link('wg0').endpoint = '198.51.100.1:51820';
    stage.gateway.start();
    await stage.run(10_000);

    stage.world.cut('wg', 'upstream');
    await stage.run(30_000);

    expect(stage.tunnel('wg').faultPlace).toBe('pop');
  });

  it('costs nothing while tunnels are well: rings are asked as they come up, and in silence', async () => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;

    await stage.run(600_000);

    const asked = stage.steps.slice(from).flatMap(({ event }) => (event.type === 'probed' ? [event.stream] : []));
    expect(new Set(asked)).toEqual(new Set(['targets', 'size']));
  });

  it('is asked about only once the traffic has somewhere to go', async () => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;

    stage.world.cut('he', 'pop');
    await stage.runUntil(() => stage.tunnel('he').faultPlace !== null, 10_000);

    const when = (type: 'apply_route' | 'probe'): number =>
      stage.steps
        .slice(from)
        .find(({ effects }) =>
          effects.some((e) => e.type === type && (e.type !== 'probe' || e.stream === 'pop' || e.stream === 'underlay')),
        )!.now;
    expect(when('probe')).toBeGreaterThan(when('apply_route') + 100);
  });

  it('suppresses failover where the underlay is dead for all: there is nothing to move to', async () => {
    const stage = await Stage.running({ config });

    for (const name of ['he', 'he2', 'wg']) stage.world.cut(name, 'underlay');
    await stage.run(60_000);

    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(places(stage)).toEqual(['underlay', 'underlay', null]);
    expect(stage.primary).toBe('he');
  });
});
