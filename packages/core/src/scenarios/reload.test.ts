import { describe, expect, it } from 'vitest';
import type { TunnelConfig } from '../config/model.js';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const wg = simulatedTunnel('wg', { priority: 1 });
const mv = simulatedTunnel('mv', { type: 'mullvad', priority: 2 });

describe('a reload', () => {
  it('changes nothing on the host when nothing changed', async () => {
    const stage = await staged(he, wg);

    expect(await effectsOf(stage, he, wg)).toEqual([]);
    expect(stage.log().at(-1)).toBe('Configuration reloaded: 0 added, 0 removed, 0 changed');
  });

  it('changes nothing on the host when only a priority changed', async () => {
    const stage = await staged(he, wg);

    expect(await effectsOf(stage, he, { ...wg, priority: 4 })).toEqual([]);
    expect(stage.log().at(-1)).toBe('Configuration reloaded: 0 added, 0 removed, 1 changed');
  });

  it('adds a tunnel and touches no other', async () => {
    const stage = await staged(he, wg);

    const effects = await effectsOf(stage, he, wg, mv);

    expect(effects).toEqual(['raise mv', 'apply_route']);
    expect(stage.tunnel('mv').state).toBe('up');
  });

  it('removes a tunnel and touches no other', async () => {
    const stage = await staged(he, wg, mv);

    const effects = await effectsOf(stage, he, wg);

    expect(effects).toEqual(['apply_route', 'lower mv']);
    expect(stage.gateway.status().tunnels.map((t) => t.config.name)).toEqual(['he', 'wg']);
    expect(stage.world.link('mv0').present).toBe(false);
  });

  it('lowers and raises a tunnel that changed, and touches no other', async () => {
    const stage = await staged(he, wg);

    const effects = await effectsOf(stage, he, { ...wg, address: '2001:db8:7::2' });

    expect(effects).toEqual(['apply_route', 'lower wg', 'raise wg', 'apply_route']);
    expect(stage.newsOf('failed_over')).toEqual([]);
  });

  it('takes the route from a primary that is removed, then lowers it', async () => {
    const stage = await staged(he, wg);

    const effects = await effectsOf(stage, wg);

    expect(effects).toEqual(['apply_route', 'lower he']);
    expect(stage.newsOf('failed_over')).toMatchObject([{ from: 'he', to: 'wg', reason: 'removed' }]);
    expect(stage.world.egress()).toBe('wg0');
  });

  it('gives a renamed tunnel the interface once the old name has let go of it', async () => {
    const stage = await staged(he, wg);

    const effects = await effectsOf(stage, he, { ...wg, name: 'wg-berlin' });

    expect(effects).toEqual(['apply_route', 'lower wg', 'raise wg-berlin', 'apply_route']);
    expect(stage.world.overlaps).toBe(0);
  });

  it('lets two tunnels trade interfaces', async () => {
    const stage = await staged(he, wg, mv);

    const effects = await effectsOf(stage, he, { ...wg, iface: 'mv0' }, { ...mv, iface: 'wg0' });

    const raises = effects.filter((e) => e.startsWith('raise') || e.startsWith('lower'));
    expect([...raises.slice(0, 2)].sort()).toEqual(['lower mv', 'lower wg']);
    expect([...raises.slice(2)].sort()).toEqual(['raise mv', 'raise wg']);
    expect(stage.world.overlaps).toBe(0);
    expect(stage.tunnel('wg')).toMatchObject({ state: 'up', liveness: 'alive' });
    expect(stage.world.plan.standbys.map((hop) => hop.iface)).toEqual(['mv0', 'wg0']);
  });

  it('switches a tunnel off', async () => {
    const stage = await staged(he, wg);

    expect(await effectsOf(stage, he, { ...wg, enabled: false })).toEqual(['apply_route', 'lower wg']);
  });

  it('takes back a tunnel that was on its way out', async () => {
    const stage = await staged(he, wg);
    stage.world.link('wg0').faults = { operationTime: [2_000, 2_000] };
    stage.gateway.reload(simulatedConfig({ tunnels: [he] }));
    await stage.run(500);

    stage.gateway.reload(simulatedConfig({ tunnels: [he, wg] }));
    await stage.run(20_000);

    expect(stage.tunnel('wg')).toMatchObject({ state: 'up', liveness: 'alive' });
  });

  it('is refused when the host cannot run one of its tunnels', async () => {
    const stage = new Stage({
      config: simulatedConfig({ tunnels: [wg] }),
      host: (world) => ({ ...world, drivers: { wireguard: world.drivers.wireguard! } }),
    });

    const result = stage.gateway.reload(simulatedConfig({ tunnels: [he] }));

    expect(result._unsafeUnwrapErr()).toEqual({ kind: 'no_driver', tunnel: 'he', type: 'he_6in4' });
  });

  it('looks at scores sooner when the check interval has become shorter', async () => {
    const stage = await staged(he, wg);
    Object.assign(stage.world.link('he0'), { rtt: 700, loss: 0.45 });

    stage.gateway.reload(simulatedConfig({ tunnels: [he, wg], failover: { checkInterval: 5_000 } }));
    const took = await stage.runUntil(() => stage.primary === 'wg', 60_000);

    expect(took).toBeLessThan(50_000);
  });
});

function staged(...tunnels: TunnelConfig[]): Promise<Stage> {
  return Stage.running({ config: simulatedConfig({ tunnels }) });
}

/** What the host was asked to do in the twenty seconds after a reload, probing and looking aside. */
async function effectsOf(stage: Stage, ...tunnels: TunnelConfig[]): Promise<readonly string[]> {
  const from = stage.steps.length;
  stage.gateway.reload(simulatedConfig({ tunnels }));
  await stage.run(20_000);
  return stage.steps.slice(from).flatMap(({ effects }) =>
    effects.flatMap((effect) => {
      if (effect.type === 'raise' || effect.type === 'lower') return [`${effect.type} ${effect.tunnel.name}`];
      return effect.type === 'apply_route' ? [effect.type] : [];
    }),
  );
}
