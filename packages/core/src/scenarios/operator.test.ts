import { describe, expect, it } from 'vitest';
import { NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('an operator', () => {
  it('lowers a tunnel that carries nothing', async () => {
    const stage = await Stage.running({ config });

    stage.gateway.lower('wg');
    await stage.run(1_000);

    expect(stage.tunnel('wg').state).toBe('down');
    expect(stage.world.link('wg0').present).toBe(false);
    expect(stage.primary).toBe('he');
  });

  it('lowers the primary: the route leaves first, then the tunnel goes', async () => {
    const stage = await Stage.running({ config });

    stage.gateway.lower('he');
    await stage.run(1_000);

    expect(stage.tunnel('he').state).toBe('down');
    expect(stage.world.egress()).toBe('wg0');
    expect(stage.newsOf('failed_over')).toMatchObject([{ from: 'he', to: 'wg', reason: 'lowered' }]);
    expect(stage.newsOf('primary_degraded')).toEqual([]);
    const order = stage.steps.map(({ event }) => event.type);
    expect(order.lastIndexOf('route_applied')).toBeGreaterThan(-1);
    expect(order.indexOf('tunnel_lowered')).toBeGreaterThan(order.indexOf('lower'));
  });

  it('never has a tunnel lowered while the route on it cannot be moved', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, routeFails: 1 };

    stage.gateway.lower('he');
    await stage.run(120_000);
    expect(stage.tunnel('he').state).toBe('up');

    stage.world.faults = NO_FAULTS;
    await stage.run(61_000);
    expect(stage.tunnel('he').state).toBe('down');
  });

  it('never has a failed tunnel lowered while a route of ours may still be on it', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, routeFails: 1, raiseFails: 1 };
    stage.world.readdress('he0', null);
    await stage.run(100);

    stage.gateway.lower('he');
    await stage.run(30_000);
    expect(stage.tunnel('he').state).toBe('failed');

    stage.world.faults = NO_FAULTS;
    await stage.run(61_000);
    expect(stage.tunnel('he').state).toBe('down');
  });

  it('lowers the last tunnel: no route is left', async () => {
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: [simulatedTunnel('he')] }) });

    stage.gateway.lower('he');
    await stage.run(1_000);

    expect(stage.world.plan.via).toBeNull();
    expect(stage.primary).toBeNull();
    expect(stage.tunnel('he').state).toBe('down');
  });

  it('raises it again, and it takes the route back after its hold', async () => {
    const stage = await Stage.running({ config });
    stage.gateway.lower('he');
    await stage.run(30_000);

    stage.gateway.raise('he');
    await stage.run(30_000);
    expect(stage.tunnel('he').state).toBe('up');
    expect(stage.primary).toBe('wg');

    await stage.run(40_000);
    expect(stage.primary).toBe('he');
  });

  it('calls off a tunnel that is still starting', async () => {
    const stage = new Stage({ config });
    stage.world.link('he0').faults = { operationTime: [14_000, 14_000] };
    stage.gateway.start();
    await stage.run(3_000);
    stage.world.link('he0').faults = {};

    stage.gateway.lower('he');
    await stage.run(500);

    expect(stage.tunnel('he').state).toBe('down');
    expect(stage.world.link('he0').present).toBe(false);
  });

  it('may change their mind while it is being called off', async () => {
    const stage = new Stage({ config });
    stage.world.link('he0').faults = { hangs: 1 };
    stage.gateway.start();
    await stage.run(3_000);
    stage.world.link('he0').faults = {};

    stage.gateway.lower('he');
    stage.gateway.raise('he');
    await stage.run(3_000);

    expect(stage.tunnel('he').state).toBe('up');
  });

  it('lowers a failed tunnel: what half happened is undone', async () => {
    const stage = new Stage({ config });
    stage.world.link('he0').faults = { raiseFails: 1, halfHappens: 1 };
    stage.gateway.start();
    await stage.run(100_000);

    stage.gateway.lower('he');
    await stage.run(500);

    expect(stage.tunnel('he').state).toBe('down');
    expect(stage.world.link('he0').present).toBe(false);
  });

  it('raises a tunnel that is switched off in the configuration, and a reload leaves that be', async () => {
    const tunnels = [simulatedTunnel('he'), simulatedTunnel('wg', { enabled: false })];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels }) });
    expect(stage.tunnel('wg').state).toBe('down');

    stage.gateway.raise('wg');
    await stage.run(1_000);
    stage.gateway.reload(simulatedConfig({ tunnels }));
    await stage.run(1_000);

    expect(stage.tunnel('wg').state).toBe('up');
  });

  it('is told about a name that does not exist', async () => {
    const stage = await Stage.running({ config });

    expect(stage.gateway.raise('nope')._unsafeUnwrapErr()).toEqual({
      kind: 'unknown_tunnel',
      tunnel: 'nope',
      known: ['he', 'wg'],
    });
    expect(stage.gateway.lower('nope').isErr()).toBe(true);
  });

  it('may raise and lower in any order at any speed', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, operationTime: [1, 300] };

    for (let i = 0; i < 200; i += 1) {
      i % 2 === 0 ? stage.gateway.lower('he') : stage.gateway.raise('he');
      await stage.run(stage.world.prng.between(0, 400));
    }
    await stage.run(120_000);

    expect(stage.world.overlaps).toBe(0);
    expect(stage.tunnel('he').state).toBe('up');
    expect(stage.primary).toBe('he');
  });
});
