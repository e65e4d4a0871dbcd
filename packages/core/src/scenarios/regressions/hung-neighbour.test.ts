import { describe, expect, it } from 'vitest';
import { type Faults, NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({
  tunnels: [
    simulatedTunnel('he', { type: 'he_6in4', priority: 0 }),
    simulatedTunnel('wg', { priority: 1 }),
    simulatedTunnel('mv', { type: 'mullvad', priority: 2 }),
  ],
});

// gluetun #3021: the health check failed and nothing was done about it, because healing waited behind a start-up of
// DNS, public-IP lookup and port forwarding that never ended.
describe('a tunnel whose start hangs for ever', () => {
  it('holds up neither the probing nor the choice of another', async () => {
    const stage = staged();

    stage.gateway.start();
    await stage.runUntil(() => stage.tunnel('wg').state === 'up', 1_000, 1);
    const alive = await stage.runUntil(() => stage.tunnel('wg').liveness === 'alive', 1_000, 1);
    const chosen = await stage.runUntil(() => stage.world.egress() === 'wg0', 5_000);

    expect(alive).toBeLessThanOrEqual(500);
    expect(alive + chosen).toBeLessThanOrEqual(2_100);
  });

  it('holds up no failover between the others, at whatever point of its time-out', async () => {
    for (let moment = 0; moment < 60_000; moment += 7_000) {
      const stage = staged();
      stage.gateway.start();
      await stage.run(10_000 + moment);

      stage.world.cut('wg');
      const took = await stage.runUntil(() => stage.world.egress() === 'mv0', 5_000);

      expect(stage.tunnel('he').state).not.toBe('up');
      expect(took).toBeLessThanOrEqual(1_200);
    }
  });
});

describe('a host on which something else hangs', () => {
  it.each<[string, Partial<Faults>]>([
    ['the byte counters', { meterHangs: 1 }],
    ['a change of routes', { routeHangs: 1 }],
    ['every look at an interface', { hangs: 1 }],
  ])('still sees a primary die: %s', async (_what, faults) => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, ...faults };
    stage.world.readdress('mv0', '2001:db8:77::2');
    await stage.run(5_000);

    stage.world.cut('he');
    const left = await stage.runUntil(() => stage.primary !== 'he', 5_000);
    const dead = await stage.runUntil(() => stage.tunnel('he').liveness === 'hard_down', 5_000);

    expect(left).toBeLessThanOrEqual(1_200);
    expect(left + dead).toBeLessThanOrEqual(2_800);
  });
});

function staged(): Stage {
  const stage = new Stage({ config });
  stage.world.link('he0').faults = { hangs: 1 };
  return stage;
}
