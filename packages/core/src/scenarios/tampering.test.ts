import { ok, ResultAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';
import { sleep } from '../testing/sleep.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

/** What a user may wait for rules and routes to come back. */
const MEND_LIMIT = 300;

describe('somebody else on this machine changes our routing', () => {
  it('puts a tunnel’s rules back within 300 ms, without a switch, and says so once', async () => {
    const stage = await Stage.running({ config });

    stage.world.unroute('he0');
    await stage.runUntil(() => stage.world.link('he0').routed, MEND_LIMIT);
    await stage.run(5_000);

    expect(stage.newsOf('repaired').map((news) => news.found)).toEqual([['rules of he0']]);
    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(stage.sentences().at(-1)).toBe(
      '[WARN] Something else on this machine changed our routing; put back: rules of he0',
    );
  });

  it('puts the default routes back within 300 ms', async () => {
    const stage = await Stage.running({ config });
    const { plan } = stage.world;

    stage.world.flush();
    await stage.runUntil(() => stage.world.plan.via !== null, MEND_LIMIT);

    expect(stage.world.plan).toEqual(plan);
  });

  it('does so a hundred times in a row, each within the limit while it is not a fight', async () => {
    const stage = await Stage.running({ config });

    for (let round = 0; round < 100; round += 1) {
      stage.world.unroute(round % 2 === 0 ? 'he0' : 'wg0');
      await stage.runUntil(() => stage.world.link(round % 2 === 0 ? 'he0' : 'wg0').routed, MEND_LIMIT);
      await stage.run(1_000);
    }

    expect(stage.newsOf('repaired')).toHaveLength(100);
  });

  it('lets a program that takes away at once what is put back have longer and longer turns', async () => {
    const stage = await Stage.running({ config });
    const off = stage.gateway.on('repaired', () => stage.world.unroute('he0'));

    stage.world.unroute('he0');
    await stage.run(600_000);
    off();

    const mended = stage.newsOf('repaired').length;
    expect(mended).toBeGreaterThan(150);
    expect(mended).toBeLessThan(190);
  });

  it('finds out without a monitor too, at the next look', async () => {
    const stage = await Stage.running({ config, host: withoutMonitor });

    stage.world.unroute('wg0');
    await stage.run(35_000);

    expect(stage.newsOf('repaired')).toHaveLength(1);
  });

  it('looks again at once at a tunnel that has come up: nobody looked while it was on its way', async () => {
    const stage = await Stage.running({ config, host: losingRulesOnTheWayUp });

    stage.gateway.restart('he');
    await stage.runUntil(() => stage.tunnel('he').state !== 'up', 1_000, 1);
    await stage.runUntil(() => stage.tunnel('he').state === 'up', 5_000, 1);
    expect(stage.world.link('he0').routed).toBe(false);

    await stage.runUntil(() => stage.world.link('he0').routed, MEND_LIMIT);
  });

  it('finds nothing to put back in its own changes', async () => {
    const stage = await Stage.running({ config });

    stage.world.cut('he');
    await stage.run(10_000);
    stage.world.restore('he');
    await stage.run(120_000);

    expect(stage.primary).toBe('he');
    expect(stage.newsOf('repaired')).toEqual([]);
  });
});

function withoutMonitor({ drivers, prober, routes, meter }: Stage['world']): Omit<Stage['world'], 'monitor'> {
  return { drivers, prober, routes, meter } as Omit<Stage['world'], 'monitor'>;
}

/** Somebody takes the rules of `he0` away after the driver's last look, before its answer is heard. */
function losingRulesOnTheWayUp(world: Stage['world']): Stage['world'] {
  const driver = world.drivers.he_6in4!;
  const up: typeof driver.up = (tunnel, signal) =>
    driver.up(tunnel, signal).andThen((reading) => {
      world.unroute(tunnel.iface);
      return new ResultAsync(sleep(world.clock, 200, 'on the way').then(() => ok(reading)));
    });
  return Object.assign(Object.create(world), { drivers: { ...world.drivers, he_6in4: { ...driver, up } } });
}
