import { describe, expect, it } from 'vitest';
import type { RoutePlan } from './facts.js';
import { Stage, simulatedConfig, simulatedTunnel } from './testing/index.js';

const config = simulatedConfig({
  tunnels: [
    simulatedTunnel('c', { priority: 3 }),
    simulatedTunnel('a', { priority: 0 }),
    simulatedTunnel('b', { priority: 2 }),
    simulatedTunnel('d', { priority: 2 }),
  ],
});

describe('the route plan', () => {
  it('names the primary, then the others in the order of their priority and the file', async () => {
    const stage = await Stage.running({ config });

    expect(hopsOf(stage.world.plan)).toEqual(['a0', 'b0', 'd0', 'c0']);
    expect(stage.world.plan.via).toEqual({ iface: 'a0', source: stage.world.link('a0').address, gateway: null });
  });

  it('leaves out who does not answer, and takes them in again', async () => {
    const stage = await Stage.running({ config });
    stage.world.cut('b');
    await stage.run(5_000);
    expect(hopsOf(stage.world.plan)).toEqual(['a0', 'd0', 'c0']);

    stage.world.restore('b');
    await stage.run(5_000);
    expect(hopsOf(stage.world.plan)).toEqual(['a0', 'b0', 'd0', 'c0']);
  });

  it('does not change for scores: measuring alone never touches the host', async () => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;
    stage.world.link('b0').rtt = 90;
    stage.world.link('d0').rtt = 30;

    await stage.run(45_000);

    expect(stage.steps.slice(from).flatMap((s) => s.effects.filter((e) => e.type === 'apply_route'))).toEqual([]);
  });

  it('passes over a primary that is not up and has no fit backup', async () => {
    const links = [{ iface: 'b0', rtt: 900, loss: 0.2 }];
    const tunnels = [simulatedTunnel('a', { priority: 0 }), simulatedTunnel('b', { priority: 1 })];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels }), links });
    stage.world.link('a0').faults = { raiseFails: 1 };
    await stage.runUntil(() => stage.tunnel('b').liveness === 'alive', 60_000);

    stage.world.vanish('a0');
    await stage.run(200);

    expect(stage.primary).toBe('a');
    expect(hopsOf(stage.world.plan)).toEqual(['b0']);
  });

  it('is applied once more every minute', async () => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;

    await stage.run(600_000);

    const applied = stage.steps.slice(from).flatMap((s) => s.effects.filter((e) => e.type === 'apply_route'));
    expect(applied).toHaveLength(10);
  });
});

function hopsOf({ via, standbys }: RoutePlan): readonly (string | undefined)[] {
  return [via?.iface, ...standbys.map((hop) => hop.iface)];
}
