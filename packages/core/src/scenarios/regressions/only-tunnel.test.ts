import { describe, expect, it } from 'vitest';
import { Stage, simulatedConfig, simulatedTunnel, type World } from '../../testing/index.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const wg = simulatedTunnel('wg', { priority: 1 });
const EPISODES = 15;

// opnsense #9789: the provider's gateway was slow to answer pings, so every one to three minutes the connections over
// the only way out were killed, with nowhere else to go.
describe('the only tunnel left, whose probes fail for half a minute in every two', () => {
  it.each<[string, (world: World) => void]>([
    ['answers too late', (world) => Object.assign(world.link('he0'), { rtt: 4_000 })],
    ['answers nothing', (world) => Object.assign(world.link('he0'), { loss: 1 })],
    ['is a black hole', (world) => world.cut('he')],
    ['is refused by the network', (world) => Object.assign(world.link('he0'), { refuses: true })],
  ])('is never taken from its user: it %s', async (_how, sicken) => {
    for (const tunnels of [[he], [he, wg]]) {
      const stage = await staged(tunnels);
      const from = stage.steps.length;

      for (let episode = 0; episode < EPISODES; episode += 1) {
        sicken(stage.world);
        await stage.run(30_000);
        stage.world.restore('he');
        Object.assign(stage.world.link('he0'), { rtt: 20, loss: 0, refuses: false });
        await stage.run(90_000);
      }

      const effects = stage.steps.slice(from).flatMap((step) => step.effects);
      const ways = effects.flatMap((e) => (e.type === 'apply_route' ? [e.plan.via?.iface] : []));
      expect(new Set(ways)).toEqual(new Set(['he0']));
      expect(effects.filter((e) => e.type === 'raise' || e.type === 'lower')).toEqual([]);
      expect(stage.world.aborted).not.toContain(stage.world.link('he0').address);
      expect(stage.newsOf('failed_over')).toEqual([]);
      expect(stage.gateway.status()).toMatchObject({ primary: 'he', stranded: false });
    }
  });
});

/** The user has asked for connections over dead tunnels to be ended. A second tunnel, where there is one, is dead. */
async function staged(tunnels: readonly (typeof he)[]): Promise<Stage> {
  const config = simulatedConfig({ tunnels, failover: { abortFlows: true } });
  const stage = await Stage.running({ config });
  if (tunnels.includes(wg)) stage.world.cut('wg');
  await stage.run(30_000);
  return stage;
}
