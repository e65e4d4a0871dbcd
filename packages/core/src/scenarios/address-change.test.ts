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

  it('has it back within 300 ms when somebody takes it, and carries on', async () => {
    const stage = await Stage.running({ config });
    await stage.run(10_000);
    const { address } = stage.world.link('he0');

    stage.world.readdress('he0', null);
    await stage.runUntil(() => stage.primary === 'wg', 100);
    await stage.runUntil(() => stage.world.link('he0').address === address, 200);
    await stage.run(5_000);

    expect(stage.tunnel('he')).toMatchObject({ state: 'up', liveness: 'alive' });
    expect(stage.newsOf('tunnel_state').at(-3)?.fault).toMatchObject({ kind: 'misconfigured', setting: 'address' });
  });

  it('has it back less and less soon where somebody takes it again and again', async () => {
    const stage = await Stage.running({ config });
    await stage.run(10_000);
    const off = stage.gateway.on('tunnel_state', ({ tunnel, to }) => {
      if (tunnel === 'he' && to === 'up') stage.world.readdress('he0', null);
    });

    stage.world.readdress('he0', null);
    await stage.run(60_000);
    off();

    const raised = stage.newsOf('tunnel_state').filter(({ tunnel, to }) => tunnel === 'he' && to === 'starting');
    expect(raised.length).toBeLessThan(65);
  });
});
