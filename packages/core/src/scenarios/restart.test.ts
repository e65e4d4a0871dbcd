import { describe, expect, it } from 'vitest';
import { NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('a restart', () => {
  it('takes a tunnel down and brings it up, and touches no other', async () => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;

    expect(stage.gateway.restart('wg').isOk()).toBe(true);
    await stage.run(5_000);

    expect(operationsSince(stage, from)).toEqual(['lower wg', 'raise wg']);
    expect(stage.tunnel('wg')).toMatchObject({ state: 'up', liveness: 'alive' });
    expect(stage.newsOf('failed_over')).toEqual([]);
  });

  it('has the route leave the primary first, and come back after the hold', async () => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;

    stage.gateway.restart('he');
    await stage.run(5_000);

    expect(stage.newsOf('failed_over')).toMatchObject([{ from: 'he', to: 'wg', reason: 'lowered' }]);
    const doings = stage.steps.slice(from).flatMap(({ event, effects }) => {
      const lowered = effects.some((effect) => effect.type === 'lower');
      return [...(event.type === 'route_applied' ? ['the route has moved'] : []), ...(lowered ? ['lower'] : [])];
    });
    expect(doings.slice(0, 2)).toEqual(['the route has moved', 'lower']);
    expect(stage.tunnel('he').state).toBe('up');
    expect(stage.primary).toBe('wg');

    await stage.run(70_000);
    expect(stage.primary).toBe('he');
  });

  it('keeps a tunnel up while the route on it cannot be moved, and restarts it then', async () => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;
    stage.world.faults = { ...NO_FAULTS, routeFails: 1 };

    stage.gateway.restart('he');
    await stage.run(60_000);
    expect(operationsSince(stage, from)).toEqual([]);

    stage.world.faults = NO_FAULTS;
    await stage.run(70_000);
    expect(operationsSince(stage, from)).toEqual(['lower he', 'raise he']);
  });

  it('restarts the only tunnel: it has the route again as soon as it answers', async () => {
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: [simulatedTunnel('he')] }) });

    stage.gateway.restart('he');
    const took = await stage.runUntil(() => stage.newsOf('primary_selected').length === 2, 10_000);

    await stage.run(1_000);

    expect(took).toBeLessThan(2_000);
    expect(stage.world.egress()).not.toBeNull();
  });

  it('of a primary that is not fit to take over begins at once too', async () => {
    const tunnels = [simulatedTunnel('he')];
    const links = [{ iface: 'he0', rtt: 150 }];
    const poor = simulatedConfig({ tunnels, failover: { takeAtLeast: 90 } });
    const stage = await Stage.running({ config: poor, links });
    expect(stage.primary).toBe('he');
    const from = stage.steps.length;

    stage.gateway.restart('he');
    await stage.run(200);

    expect(operationsSince(stage, from)[0]).toBe('lower he');
  });

  it('brings up a tunnel that was lowered', async () => {
    const stage = await Stage.running({ config });
    stage.gateway.lower('wg');
    await stage.run(5_000);
    const from = stage.steps.length;

    stage.gateway.restart('wg');
    await stage.run(5_000);

    expect(operationsSince(stage, from)).toEqual(['raise wg']);
    expect(stage.tunnel('wg').state).toBe('up');
  });

  it('brings up a tunnel that is switched off in the configuration', async () => {
    const tunnels = [simulatedTunnel('he'), simulatedTunnel('wg', { enabled: false })];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels }) });

    stage.gateway.restart('wg');
    await stage.run(5_000);

    expect(stage.tunnel('wg').state).toBe('up');
  });

  it('does not wait out the pause of a tunnel that failed', async () => {
    const stage = new Stage({ config });
    stage.world.link('wg0').faults = { raiseFails: 1 };
    stage.gateway.start();
    await stage.run(40_000);
    stage.world.link('wg0').faults = {};
    const from = stage.steps.length;

    stage.gateway.restart('wg');
    await stage.run(1_000);

    expect(operationsSince(stage, from)).toEqual(['lower wg', 'raise wg']);
    expect(stage.tunnel('wg').state).toBe('up');
  });

  it('goes on trying while a tunnel cannot be taken down, and brings it up in the end', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('wg0').faults = { lowerFails: 1 };

    stage.gateway.restart('wg');
    await stage.run(30_000);
    expect(stage.tunnel('wg').state).toBe('failed');

    stage.world.link('wg0').faults = {};
    await stage.run(61_000);
    expect(stage.tunnel('wg').state).toBe('up');
  });

  it('of a tunnel that is still starting calls that off, and begins anew', async () => {
    const stage = new Stage({ config });
    stage.world.link('he0').faults = { hangs: 1 };
    stage.gateway.start();
    await stage.run(3_000);
    stage.world.link('he0').faults = {};
    const from = stage.steps.length;

    stage.gateway.restart('he');
    await stage.run(1_000);

    expect(operationsSince(stage, from)).toEqual(['lower he', 'raise he']);
    expect(stage.tunnel('he').state).toBe('up');
  });

  it('may be followed by a change of mind: a lowered tunnel stays down', async () => {
    const stage = await Stage.running({ config });

    stage.gateway.restart('wg');
    stage.gateway.lower('wg');
    await stage.run(120_000);

    expect(stage.tunnel('wg').state).toBe('down');
  });

  it('asked for twice at once restarts once', async () => {
    const stage = await Stage.running({ config });
    const from = stage.steps.length;

    stage.gateway.restart('wg');
    stage.gateway.restart('wg');
    await stage.run(5_000);

    expect(operationsSince(stage, from)).toEqual(['lower wg', 'raise wg']);
  });

  it('gives a tunnel that was asked for its route back after the hold', async () => {
    const stage = await Stage.running({ config });
    stage.gateway.prefer('wg');

    stage.gateway.restart('wg');
    await stage.run(5_000);
    expect(stage.primary).toBe('he');
    await stage.run(65_000);

    expect(stage.primary).toBe('wg');
  });

  it('is refused for a name that does not exist', async () => {
    const stage = await Stage.running({ config });

    expect(stage.gateway.restart('nope')._unsafeUnwrapErr()).toMatchObject({ kind: 'unknown_tunnel', tunnel: 'nope' });
  });

  it('may be asked for at any speed', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, operationTime: [1, 300], lowerFails: 0.2, raiseFails: 0.2 };

    for (let i = 0; i < 100; i += 1) {
      stage.gateway.restart(i % 3 === 0 ? 'wg' : 'he');
      await stage.run(stage.world.prng.between(0, 600));
    }
    stage.world.faults = NO_FAULTS;
    await stage.run(180_000);

    expect(stage.world.overlaps).toBe(0);
    expect(stage.tunnel('he').state).toBe('up');
    expect(stage.tunnel('wg').state).toBe('up');
    expect(stage.primary).toBe('he');
  });
});

/** What the drivers were asked to raise and lower since then. */
function operationsSince(stage: Stage, from: number): readonly string[] {
  return stage.steps
    .slice(from)
    .flatMap(({ effects }) =>
      effects.flatMap((e) => (e.type === 'raise' || e.type === 'lower' ? [`${e.type} ${e.tunnel.name}`] : [])),
    );
}
