import { describe, expect, it } from 'vitest';
import { HandProber, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const wg = simulatedTunnel('wg', { priority: 1 });

describe('the first choice of a primary', () => {
  it('waits for tunnels that are still being judged', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: [he, wg] }) });
    stage.world.link('he0').faults = { operationTime: [800, 800] };

    stage.gateway.start();
    const took = await stage.runUntil(() => stage.primary !== null, 5_000);

    expect(stage.primary).toBe('he');
    expect(took).toBeLessThanOrEqual(2_000);
  });

  it('waits two seconds at most from when the first one is up', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: [he, wg] }) });
    stage.world.link('he0').faults = { operationTime: [9_000, 9_000] };

    stage.gateway.start();
    const took = await stage.runUntil(() => stage.primary !== null, 5_000);

    expect(stage.primary).toBe('wg');
    expect(took).toBeGreaterThanOrEqual(1_990);
    expect(took).toBeLessThanOrEqual(2_060);
  });

  it('chooses the most preferred on a machine where everything takes seconds', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: [he, wg] }) });
    stage.world.link('wg0').faults = { operationTime: [4_000, 4_000] };
    stage.world.link('he0').faults = { operationTime: [5_000, 5_000] };

    stage.gateway.start();
    await stage.runUntil(() => stage.primary !== null, 10_000);

    expect(stage.newsOf('primary_selected')).toMatchObject([{ primary: 'he' }]);
  });

  it('does not wait for one that has failed', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: [he, wg] }) });
    stage.world.link('he0').faults = { raiseFails: 1 };

    stage.gateway.start();
    const took = await stage.runUntil(() => stage.primary !== null, 5_000);

    expect(stage.primary).toBe('wg');
    expect(took).toBeLessThan(1_500);
  });

  it('takes a poor tunnel rather than none', async () => {
    const links = [{ iface: 'he0', rtt: 600, loss: 0.3 }];
    const stage = new Stage({ config: simulatedConfig({ tunnels: [he] }), links });

    stage.gateway.start();
    await stage.run(10_000);

    expect(stage.tunnel('he').health?.score).toBeLessThan(50);
    expect(stage.primary).toBe('he');
  });

  it('takes the best score once priorities are equal, and the first in the file once those are too', async () => {
    const tunnels = [simulatedTunnel('a'), simulatedTunnel('b'), simulatedTunnel('c')];
    const links = [{ iface: 'a0', rtt: 150 }];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels }), links });

    expect(stage.newsOf('primary_selected')).toMatchObject([{ primary: 'b', score: 100 }]);
  });

  it('takes none that answers nothing', async () => {
    const prober = new HandProber();
    const stage = new Stage({
      config: simulatedConfig({ tunnels: [he, wg] }),
      host: (world) => ({ ...world, prober }),
    });
    stage.gateway.start();
    await stage.run(200);

    for (let i = 0; i < 60; i += 1) {
      prober.lose('he0');
      prober.lose('wg0');
      await stage.run(100);
    }

    expect(stage.gateway.status()).toMatchObject({ primary: null, tunnels: [{ state: 'up' }, { state: 'up' }] });
    expect(stage.world.plan.via).toBeNull();
  });

  it('is what ready() waits for', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: [he] }) });
    stage.gateway.start();
    const ready = stage.gateway.ready(10_000);
    await stage.run(10_000);

    expect((await ready)._unsafeUnwrap()).toBe('he');
    expect((await stage.gateway.ready(1))._unsafeUnwrap()).toBe('he');
  });

  it('does not keep ready() waiting for ever', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: [he] }) });
    stage.world.cut('he0');
    stage.gateway.start();
    const ready = stage.gateway.ready(10_000);
    await stage.run(10_000);

    expect((await ready)._unsafeUnwrapErr()).toEqual({ kind: 'not_ready', after: 10_000 });
  });
});
