import type { Result } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { GatewayError } from '../errors.js';
import { NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('stopping', () => {
  it('leaves no interface, no route and no alarm behind', async () => {
    const stage = await Stage.running({ config });

    const result = await stopped(stage, 30_000);

    expect(result.isOk()).toBe(true);
    expect([...stage.world.links.values()].filter((link) => link.present)).toEqual([]);
    expect(stage.world.plan.via).toBeNull();
    expect(stage.clock.pending().filter((label) => label === 'gateway' || label === 'stop')).toEqual([]);
    expect(stage.log().at(-1)).toBe('Gateway stopped');
  });

  it('takes the route away before the tunnels', async () => {
    const stage = await Stage.running({ config });

    await stopped(stage, 30_000);

    const order = stage.steps.flatMap(({ event }) => event.type);
    expect(order.lastIndexOf('route_applied')).toBeLessThan(order.indexOf('tunnel_lowered'));
  });

  it.each([1, 20, 60, 200, 1_000])('undoes what was just starting, %i ms after the start', async (after) => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, operationTime: [50, 500] };
    stage.gateway.start();
    await stage.run(after);

    const result = await stopped(stage, 30_000);

    expect(result.isOk()).toBe(true);
    expect([...stage.world.links.values()].filter((link) => link.present)).toEqual([]);
  });

  it('calls off a driver that hangs while raising', async () => {
    const stage = new Stage({ config });
    stage.world.link('he0').faults = { hangs: 1 };
    stage.gateway.start();
    await stage.run(3_000);
    stage.world.link('he0').faults = {};

    const result = await stopped(stage, 5_000);

    expect(result.isOk()).toBe(true);
  });

  it('tries a tunnel that could not be lowered again at once', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('wg0').faults = { lowerFails: 1 };
    stage.gateway.lower('wg');
    await stage.run(250_000);
    stage.world.link('wg0').faults = {};

    const result = await stopped(stage, 5_000);

    expect(result.isOk()).toBe(true);
  });

  it('lowers a failed tunnel at once, whenever its next try was due', async () => {
    const stage = new Stage({ config });
    stage.world.link('he0').faults = { raiseFails: 1, halfHappens: 1 };
    stage.gateway.start();
    await stage.run(300_000);
    expect(stage.world.link('he0').present).toBe(true);

    const result = await stopped(stage, 5_000);

    expect(result.isOk()).toBe(true);
    expect(stage.world.link('he0').present).toBe(false);
  });

  it('says what it could not undo, in the time it was given', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').faults = { hangs: 1 };

    const result = await stopped(stage, 10_000);

    expect(result._unsafeUnwrapErr()).toEqual({ kind: 'stop_incomplete', left: ['he'], after: 10_000 });
    expect(stage.clock.pending().filter((label) => label === 'gateway')).toEqual([]);
  });

  it('can be asked again for what was left', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').faults = { hangs: 1 };
    await stopped(stage, 10_000);
    stage.world.link('he0').faults = {};

    const result = await stopped(stage, 30_000);

    expect(result.isOk()).toBe(true);
    expect(stage.world.link('he0').present).toBe(false);
  });

  it('asks nothing more of the host once it has given up, whatever answers then', async () => {
    const stage = new Stage({ config });
    stage.world.link('he0').faults = { hangs: 1, deaf: 1 };
    stage.gateway.start();
    await stage.run(3_000);
    await stopped(stage, 1_000);
    const from = stage.steps.length;

    await stage.run(120_000);

    expect(stage.steps.slice(from).map((s) => s.event.type)).toContain('tunnel_failed');
    const asked = stage.steps.slice(from).flatMap((s) => s.effects.map((e) => e.type));
    expect(asked.filter((type) => type !== 'announce')).toEqual([]);
    expect(stage.gateway.status().phase).toBe('stopped');
  });

  it('gives up on a default route that cannot be removed, and says so', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, routeFails: 1 };

    const result = await stopped(stage, 30_000);

    expect(result._unsafeUnwrapErr()).toEqual({ kind: 'stop_incomplete', left: ['the default route'], after: 30_000 });
    expect([...stage.world.links.values()].filter((link) => link.present)).toEqual([]);
  });

  it('tries the default route again by itself while nothing else happens', async () => {
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: [simulatedTunnel('he')] }) });
    stage.world.faults = { ...NO_FAULTS, routeFails: 1, raiseFails: 1, lowerFails: 1 };
    stage.world.vanish('he0');
    await stage.run(30_000);
    stage.world.faults = { ...NO_FAULTS, routeFails: 1 };

    void stage.gateway.stop(60_000);
    const took = await stage.runUntil(() => stage.log().at(-1) === 'Gateway stopped', 60_000);

    expect(took).toBeLessThan(5_000);
  });

  it('tries the default route afresh, however often it failed before', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, routeFails: 1 };
    stage.world.cut('he');
    await stage.run(250_000);
    stage.world.faults = NO_FAULTS;
    const from = stage.steps.length;

    const result = await stopped(stage, 5_000);

    expect(result.isOk()).toBe(true);
    const order = stage.steps.slice(from).map(({ event }) => event.type);
    expect(order.indexOf('route_applied')).toBeGreaterThan(-1);
    expect(order.indexOf('route_applied')).toBeLessThan(order.indexOf('tunnel_lowered'));
  });

  it('succeeds at once when nothing was started', async () => {
    const stage = new Stage({ config });

    expect((await stopped(stage, 1_000)).isOk()).toBe(true);
  });

  it('answers everybody who asked', async () => {
    const stage = await Stage.running({ config });

    const first = stage.gateway.stop();
    const second = stage.gateway.stop();
    await stage.run(30_000);

    expect((await first).isOk()).toBe(true);
    expect((await second).isOk()).toBe(true);
  });
});

describe('starting again after a stop', () => {
  it('brings everything back', async () => {
    const stage = await Stage.running({ config });
    await stopped(stage, 30_000);

    stage.gateway.start();
    await stage.run(10_000);

    expect(stage.primary).toBe('he');
    expect(stage.world.egress()).toBe('he0');
    expect(stage.tunnel('wg').state).toBe('up');
  });

  it('recovers from one that was incomplete', async () => {
    const stage = await Stage.running({ config });
    stage.world.link('he0').faults = { hangs: 1 };
    await stopped(stage, 10_000);
    stage.world.link('he0').faults = {};

    stage.gateway.start();
    await stage.run(30_000);

    expect(stage.tunnel('he').state).toBe('up');
    expect(stage.world.overlaps).toBe(0);
  });

  it('takes over a reload made in between', async () => {
    const stage = await Stage.running({ config });
    await stopped(stage, 30_000);

    stage.gateway.reload(simulatedConfig({ tunnels: [simulatedTunnel('mv', { type: 'mullvad' })] }));
    stage.gateway.start();
    await stage.run(10_000);

    expect(stage.primary).toBe('mv');
    expect(stage.gateway.status().tunnels.map((t) => t.config.name)).toEqual(['mv']);
  });
});

async function stopped(stage: Stage, limit: number): Promise<Result<void, GatewayError>> {
  const stopping = stage.gateway.stop(limit);
  await stage.run(limit);
  return stopping;
}
