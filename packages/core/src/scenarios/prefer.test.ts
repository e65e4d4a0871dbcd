import { describe, expect, it } from 'vitest';
import type { Config, FailoverPolicy } from '../config/model.js';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const wg = simulatedTunnel('wg', { priority: 1 });
const mv = simulatedTunnel('mv', { type: 'mullvad', priority: 2 });

describe('a tunnel that the operator asks for', () => {
  it('has the route at once, whatever the ranks say, and that is told as it is', async () => {
    const stage = await staged();

    expect(stage.gateway.prefer('mv').isOk()).toBe(true);

    expect(stage.gateway.status()).toMatchObject({ primary: 'mv', preferred: 'mv' });
    expect(stage.log().slice(-2)).toEqual([
      'Tunnel mv was asked for: it has the route whenever it is well',
      'Switching from he to mv as asked (health: 100 -> 100)',
    ]);
    await stage.run(1_000);
    expect(stage.world.egress()).toBe('mv0');
  });

  it('keeps the route for hours, though others rank above it', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');
    Object.assign(stage.world.link('mv0'), { rtt: 180 });

    await stage.run(7_200_000);

    expect(stage.primary).toBe('mv');
    expect(stage.newsOf('failed_over')).toHaveLength(1);
  });

  it('keeps a route that it has already, and nothing moves', async () => {
    const stage = await staged();

    stage.gateway.prefer('he');
    await stage.run(10_000);

    expect(stage.gateway.status()).toMatchObject({ primary: 'he', preferred: 'he' });
    expect(stage.newsOf('failed_over')).toEqual([]);
  });

  it('may be a poor one, that no failover would choose', async () => {
    const stage = await staged();
    Object.assign(stage.world.link('mv0'), { rtt: 300, loss: 0.3 });
    await stage.run(120_000);
    await stage.runUntil(() => stage.tunnel('mv').liveness === 'alive', 10_000);
    expect(stage.tunnel('mv').health?.score).toBeLessThan(50);

    stage.gateway.prefer('mv');

    expect(stage.primary).toBe('mv');
  });

  it('has just missed a probe: it has the route as soon as it answers', async () => {
    const stage = await staged();
    stage.world.link('mv0').loss = 1;
    await stage.runUntil(() => stage.tunnel('mv').liveness === 'suspect', 5_000);
    stage.world.link('mv0').loss = 0;

    stage.gateway.prefer('mv');
    expect(stage.primary).toBe('he');
    await stage.run(300);

    expect(stage.primary).toBe('mv');
  });

  it('is the first choice at the start, before others that rank above it', async () => {
    const stage = new Stage({ config: configured() });
    stage.gateway.prefer('mv');

    stage.gateway.start();
    await stage.run(10_000);

    expect(stage.newsOf('primary_selected')).toMatchObject([{ primary: 'mv' }]);
    expect(stage.primary).toBe('mv');
  });

  it('is asked for still after a stop and a start', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');
    const stopping = stage.gateway.stop();
    await stage.run(5_000);
    expect((await stopping).isOk()).toBe(true);

    stage.gateway.start();
    await stage.run(10_000);

    expect(stage.gateway.status()).toMatchObject({ primary: 'mv', preferred: 'mv' });
  });

  it('is told by name when there is none of that name, and nothing changes', async () => {
    const stage = await staged();
    stage.gateway.prefer('wg');

    const refused = stage.gateway.prefer('nope')._unsafeUnwrapErr();

    expect(refused).toEqual({ kind: 'unknown_tunnel', tunnel: 'nope', known: ['he', 'wg', 'mv'] });
    expect(stage.gateway.status().preferred).toBe('wg');
  });
});

describe('a preference', () => {
  it('strands no traffic: a dead tunnel is left within a second, and has its route back after the hold', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');
    stage.world.cut('mv');
    await stage.runUntil(() => stage.primary === 'he', 1_500);
    await stage.run(10_000);

    stage.world.restore('mv');
    const took = await stage.runUntil(() => stage.primary === 'mv', 120_000);

    expect(took).toBeGreaterThanOrEqual(60_000);
    expect(took).toBeLessThanOrEqual(65_000);
    expect(stage.newsOf('failed_over').map(({ reason }) => reason)).toEqual(['preferred', 'soft_down', 'preferred']);
  });

  it('strands no traffic: a tunnel below 30 is left at a check', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');
    Object.assign(stage.world.link('mv0'), { rtt: 600, loss: 0.55 });

    await stage.runUntil(() => stage.primary === 'he', 200_000, 500);

    expect(stage.newsOf('failed_over').at(-1)).toMatchObject({
      from: 'mv',
      reason: expect.stringMatching(/degraded|soft/),
    });
    expect(stage.gateway.status().preferred).toBe('mv');
  });

  it('waits twice as long with every flap', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');

    const holds: number[] = [];
    for (let flap = 0; flap < 3; flap += 1) {
      stage.world.cut('mv');
      await stage.run(5_000);
      stage.world.restore('mv');
      holds.push((await stage.runUntil(() => stage.primary === 'mv', 7_200_000, 500)) / 60_000);
    }

    expect(holds).toEqual([1, 2, 4].map((minutes) => expect.closeTo(minutes, 0)));
  });

  it('is first in line when the primary dies, whatever the ranks say', async () => {
    const stage = await staged({ failback: 'never' });
    stage.gateway.prefer('mv');
    stage.world.cut('mv');
    await stage.run(5_000);
    stage.world.restore('mv');
    await stage.run(30_000);
    expect(stage.primary).toBe('he');

    stage.world.cut('he');
    await stage.run(5_000);

    expect(stage.primary).toBe('mv');
  });

  it('returns to nobody by itself where the user says that nothing is to fail back', async () => {
    const stage = await staged({ failback: 'never' });
    stage.gateway.prefer('mv');
    stage.world.cut('mv');
    await stage.run(5_000);
    stage.world.restore('mv');
    await stage.run(7_200_000);
    expect(stage.primary).toBe('he');

    stage.gateway.prefer('mv');

    expect(stage.primary).toBe('mv');
  });

  it('asked for of a tunnel that is down waits until that has been up for the hold', async () => {
    const stage = await staged();
    stage.gateway.lower('mv');
    await stage.run(5_000);

    stage.gateway.prefer('mv');
    stage.gateway.raise('mv');
    const took = await stage.runUntil(() => stage.primary === 'mv', 120_000);

    expect(took).toBeGreaterThanOrEqual(60_000);
    expect(stage.newsOf('failed_over')).toMatchObject([{ from: 'he', to: 'mv', reason: 'preferred' }]);
  });

  it('does not keep a tunnel from being lowered', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');

    stage.gateway.lower('mv');
    await stage.run(1_000);

    expect(stage.tunnel('mv').state).toBe('down');
    expect(stage.primary).toBe('he');
    expect(stage.gateway.status().preferred).toBe('mv');
  });

  it('passes to another tunnel at once', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');

    stage.gateway.prefer('wg');

    expect(stage.gateway.status()).toMatchObject({ primary: 'wg', preferred: 'wg' });
  });

  it('ends when the operator says so: whoever ranks above and has been well so long has the route', async () => {
    const stage = await staged();
    await stage.run(60_000);
    stage.gateway.prefer('mv');
    await stage.run(10_000);

    stage.gateway.prefer(null);

    expect(stage.gateway.status()).toMatchObject({ primary: 'he', preferred: null });
    expect(stage.log().slice(-2)).toEqual([
      'The primary is chosen by rank again',
      'Failing back from mv to he (health: 100 -> 100)',
    ]);
  });

  it('ends with a reload that removes the tunnel, and no other', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');
    stage.gateway.reload(configured({ failbackAfter: 50_000 }));
    expect(stage.gateway.status()).toMatchObject({ primary: 'mv', preferred: 'mv' });

    stage.gateway.reload(simulatedConfig({ tunnels: [he, wg] }));
    stage.gateway.reload(configured());
    await stage.run(300_000);

    expect(stage.gateway.status()).toMatchObject({ primary: 'he', preferred: null });
  });
});

function configured(failover: Partial<FailoverPolicy> = {}): Config {
  return simulatedConfig({ tunnels: [he, wg, mv], failover });
}

function staged(failover: Partial<FailoverPolicy> = {}): Promise<Stage> {
  return Stage.running({ config: configured(failover) });
}
