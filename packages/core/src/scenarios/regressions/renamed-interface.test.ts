import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('ext', { type: 'external', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

// What udev and people do to interfaces; to whoever knows them by name, one goes and another comes.
describe('an interface that is given another name', () => {
  it('loses the traffic at once, and is said to be missing', async () => {
    const stage = await Stage.running({ config });

    rename(stage, 'ext0', 'wan7');
    const took = await stage.runUntil(() => stage.world.egress() === 'wg0', 1_000);
    await stage.run(60_000);

    expect(took).toBeLessThanOrEqual(100);
    expect(stage.tunnel('ext').fault).toEqual({ kind: 'interface_missing', iface: 'ext0' });
    expect([stage.world.plan.via?.iface, ...stage.world.plan.standbys.map((hop) => hop.iface)]).toEqual(['wg0']);
  });

  it('is a tunnel again within two seconds of having its own back', async () => {
    const stage = await Stage.running({ config });
    rename(stage, 'ext0', 'wan7');
    await stage.run(300_000);

    rename(stage, 'wan7', 'ext0');
    const took = await stage.runUntil(() => stage.tunnel('ext').liveness === 'alive', 120_000);

    expect(took).toBeLessThanOrEqual(2_000);
  });

  it('is made anew under its name where the gateway makes it itself, and the other one is left alone', async () => {
    const stage = await Stage.running({ config });

    rename(stage, 'wg0', 'old0');
    await stage.run(5_000);

    expect(stage.tunnel('wg')).toMatchObject({ state: 'up', liveness: 'alive' });
    expect(stage.world.link('old0').present).toBe(true);
    expect(stage.primary).toBe('ext');
  });
});

function rename({ world }: Stage, from: string, to: string): void {
  world.vanish(from);
  world.appear(to);
}
