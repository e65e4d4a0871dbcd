import { describe, expect, it } from 'vitest';
import type { Link } from '../../testing/index.js';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const wg = simulatedTunnel('wg', { priority: 1 });
const EPISODES = 15;

// opnsense #9789: the provider's gateway was slow to answer pings, so every one to three minutes the connections over
// the only way out were killed, with nowhere else to go.
describe('the only tunnel left, whose probes fail for half a minute in every two', () => {
  it.each<[string, Partial<Link>]>([
    ['answers too late', { rtt: 4_000 }],
    ['answers nothing', { loss: 1 }],
    ['is a black hole', { cut: true }],
    ['is refused by the network', { refuses: true }],
  ])('is never taken from its user: it %s', async (_how, sick) => {
    for (const tunnels of [[he], [he, wg]]) {
      const stage = await staged(tunnels);
      const from = stage.steps.length;

      for (let episode = 0; episode < EPISODES; episode += 1) {
        Object.assign(stage.world.link('he0'), sick);
        await stage.run(30_000);
        Object.assign(stage.world.link('he0'), { rtt: 20, loss: 0, cut: false, refuses: false });
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
