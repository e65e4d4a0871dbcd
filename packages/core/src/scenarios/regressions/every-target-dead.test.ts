import { describe, expect, it } from 'vitest';
import type { GatewayStatus } from '../../status.js';
import { SIMULATED_TARGETS, Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const tunnels = [
  simulatedTunnel('he', { type: 'he_6in4', priority: 0 }),
  simulatedTunnel('wg', { priority: 1 }),
  simulatedTunnel('mv', { type: 'mullvad', priority: 2 }),
];

// sing-box #1372: when nothing could be reached any more, the first in the list was taken, whichever was in use before.
describe('targets that answer nobody any more, through no tunnel', () => {
  it.each([
    ['the only one', [SIMULATED_TARGETS[0]]],
    ['all of several', SIMULATED_TARGETS],
  ])('are no reason to do anything: %s', async (_which, targets) => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const stage = await Stage.running({ config: simulatedConfig({ tunnels, health: { targets } }), seed });
      await stage.run(seed * 97);

      const meanwhile = await unreachable(stage, targets);

      expect(meanwhile.primary).toBe('he');
      expect(stage.newsOf('failed_over')).toEqual([]);
      expect(stage.newsOf('no_backup').length).toBeLessThanOrEqual(1);
      expect(stage.gateway.status()).toMatchObject({ primary: 'he', stranded: false });
      expect(stage.world.egress()).toBe('he0');
    }
  });

  it('leave the traffic where it was, also where that is not the first of the list', async () => {
    const equals = ['a', 'b', 'c'].map((name) => simulatedTunnel(name));
    const links = [{ iface: 'a0', rtt: 150 }];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels: equals }), links });
    stage.world.link('a0').rtt = 20;
    await stage.run(60_000);
    expect(stage.primary).toBe('b');

    const meanwhile = await unreachable(stage, SIMULATED_TARGETS);

    expect(meanwhile.primary).toBe('b');
    expect(stage.primary).toBe('b');
    expect(stage.newsOf('failed_over')).toEqual([]);
  });
});

/** The targets are gone for two minutes and back for two; answers with what the gateway says meanwhile. */
async function unreachable(stage: Stage, targets: readonly string[]): Promise<GatewayStatus> {
  for (const target of targets) stage.world.deadTargets.add(target);
  await stage.run(120_000);
  const meanwhile = stage.gateway.status();
  stage.world.deadTargets.clear();
  await stage.run(120_000);
  return meanwhile;
}
