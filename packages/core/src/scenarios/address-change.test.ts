import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('an interface that changes its address', () => {
  it('is routed and probed with the new one within a second', async () => {
    const stage = await Stage.running({ config });

    stage.world.readdress('he0', '2001:db8:77::2');
    await stage.run(1_000);

    expect(stage.world.plan.via).toMatchObject({ iface: 'he0', source: '2001:db8:77::2' });
    expect(stage.tunnel('he').reading?.address).toBe('2001:db8:77::2');
    expect(stage.newsOf('failed_over')).toEqual([]);
  });

  it('is found out without a monitor too: at the next look', async () => {
    const stage = await Stage.running({
      config,
      host: ({ drivers, prober, routes, meter }) => ({ drivers, prober, routes, meter }),
    });

    stage.world.readdress('wg0', '2001:db8:77::2');
    await stage.run(31_000);

    expect(stage.tunnel('wg').reading?.address).toBe('2001:db8:77::2');
    expect(stage.world.plan.standbys).toMatchObject([{ source: '2001:db8:77::2' }]);
  });

  it('is raised again when it has lost it', async () => {
    const stage = await Stage.running({ config });

    stage.world.readdress('he0', null);
    await stage.run(100);

    expect(stage.primary).toBe('wg');
    expect(stage.tunnel('he').fault).toMatchObject({ kind: 'misconfigured', setting: 'address' });
    stage.world.readdress('he0', '2001:db8:1::2');
    await stage.run(5_000);
    expect(stage.tunnel('he')).toMatchObject({ state: 'up', liveness: 'alive' });
  });
});
