import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({ tunnels: [simulatedTunnel('he', { type: 'he_6in4' })] });

describe('an earlier run that was killed', () => {
  it('has what no tunnel accounts for cleared away before anything comes up', async () => {
    const stage = new Stage({ config });
    stage.world.appear('old0');
    stage.gateway.start();
    await stage.run(5_000);

    expect(stage.world.link('old0').present).toBe(false);
    expect(stage.sentences()[1]).toBe('[WARN] Removed what an earlier run had left: interface old0');
    expect(stage.primary).toBe('he');
    const swept = stage.steps.findIndex(({ event }) => event.type === 'swept');
    const raised = stage.steps.findIndex(({ effects }) => effects.some((effect) => effect.type === 'raise'));
    expect(swept).toBeGreaterThan(-1);
    expect(raised).toBeGreaterThanOrEqual(swept);
  });

  it('has its default route left alone until there is a better one to say', async () => {
    const stage = new Stage({ config });
    const hop = { iface: 'he0', source: stage.world.link('he0').address, gateway: null };
    stage.world.appear('he0');
    stage.world.plan = { via: hop, standbys: [] };

    stage.gateway.start();
    await stage.runUntil(() => stage.world.plan.via === null || stage.primary === 'he', 10_000, 1);

    expect(stage.world.plan.via).toEqual(hop);
  });

  it('is cleared away in bounded time: what cannot be looked at does not hold anything up for ever', async () => {
    const stage = new Stage({ config, host: (world) => Object.assign(world, { sweep: () => new Promise(() => {}) }) });

    stage.gateway.start();
    await stage.run(config.operation.timeout + 5_000);

    expect(stage.primary).toBe('he');
  });
});
