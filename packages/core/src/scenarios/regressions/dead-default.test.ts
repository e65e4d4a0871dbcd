import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({
  tunnels: [
    simulatedTunnel('he', { type: 'he_6in4', priority: 0 }),
    simulatedTunnel('wg', { priority: 1 }),
    simulatedTunnel('mv', { type: 'mullvad', priority: 2 }),
  ],
});

// opnsense #8064, #7335, #6544: the gateway was called down, and the default route went on through it.
describe('a default route through a tunnel that answers nothing', () => {
  it.each([
    [['he'], ['wg0', 'mv0']],
    [['wg'], ['he0', 'mv0']],
    [['mv'], ['he0', 'wg0']],
    [['he', 'wg'], ['mv0']],
    [['wg', 'mv'], ['he0']],
  ])('is gone within two seconds, be it the first or a standby: %j', async (dead, left) => {
    for (let seed = 1; seed <= 6; seed += 1) {
      const stage = await Stage.running({ config, seed });
      await stage.run(seed * 41);

      for (const name of dead) stage.world.cut(name);
      await stage.run(2_000);

      expect(defaults(stage)).toEqual(left);
    }
  });

  it('comes back with the tunnel, behind the one that carries the traffic', async () => {
    const stage = await Stage.running({ config });
    stage.world.cut('he');
    await stage.run(10_000);

    stage.world.restore('he');
    await stage.run(3_000);

    expect(defaults(stage)).toEqual(['wg0', 'he0', 'mv0']);
  });

  it('is kept when there is none better: one, through the tunnel that had it', async () => {
    const stage = await Stage.running({ config });

    for (const name of ['he', 'wg', 'mv']) stage.world.cut(name);
    await stage.run(60_000);

    expect(defaults(stage)).toEqual(['he0']);
  });
});

function defaults({ world: { plan } }: Stage): readonly string[] {
  return [plan.via, ...plan.standbys].flatMap((hop) => (hop === null ? [] : [hop.iface]));
}
