import { expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const TUNNELS = 8;
const config = simulatedConfig({
  tunnels: Array.from({ length: TUNNELS }, (_, priority) => simulatedTunnel(`t${priority}`, { priority })),
});

// Every group of ways out meets it: they all die with the line, and with the line they all come back at one moment.
it.each([1, 2, 3, 4, 5])(
  'eight tunnels that go dark together and come back together do not scramble for the route (seed %i)',
  async (seed) => {
    const stage = await Stage.running({ config, seed });
    const [from, said] = [stage.steps.length, stage.log().length];

    for (const { name } of config.tunnels) stage.world.cut(name);
    await stage.run(25_000);
    for (const { name } of config.tunnels) stage.world.restore(name);
    await stage.run(25_000);

    const effects = stage.steps.slice(from).flatMap((step) => step.effects);
    const plans = effects.flatMap((e) => (e.type === 'apply_route' ? [e.plan] : []));
    expect(stage.newsOf('failed_over')).toEqual([]);
    expect(new Set(plans.map(({ via }) => via?.iface))).toEqual(new Set(['t00']));
    // Each standby leaves the table once and enters it once.
    expect(plans.length).toBeLessThanOrEqual(2 * (TUNNELS - 1));
    expect(plans.at(-1)?.standbys).toHaveLength(TUNNELS - 1);
    // Each says that it has stopped, that it is unreachable, and that it is back.
    expect(stage.log().length - said).toBeLessThanOrEqual(3 * TUNNELS + 2);
  },
);
