import { errAsync } from 'neverthrow';
import { expect, it } from 'vitest';
import type { ConfigOf } from '../../config/model.js';
import type { BackendDriver, Host } from '../../contracts.js';
import { Stage, simulatedConfig, simulatedTunnel, type World } from '../../testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('ext', { type: 'external', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

// opnsense #6913 once more: the link is back at once, its address only seconds later, by router advertisement or DHCP.
it.each([1_500, 3_000, 10_000])(
  'an interface that has its address again %i ms after its link is probed within two seconds of that',
  async (later) => {
    const stage = await Stage.running({ config, host: needingAddresses });

    stage.world.vanish('ext0');
    stage.world.readdress('ext0', null);
    await stage.run(300_000);
    cameBack(stage.world);
    await stage.run(later);
    stage.world.readdress('ext0', '2001:db8:77::2');
    const took = await stage.runUntil(() => stage.tunnel('ext').liveness === 'alive', 120_000);

    expect(took).toBeLessThanOrEqual(2_000);
  },
);

/** The link, without an address. */
function cameBack(world: World): void {
  world.appear('ext0');
  world.readdress('ext0', null);
}

/** As the driver for existing interfaces is: without an address there is no tunnel. */
function needingAddresses(world: World): Host {
  const real = world.drivers.external as BackendDriver<'external'>;
  const external: BackendDriver<'external'> = {
    ...real,
    up: (tunnel: ConfigOf<'external'>, signal) =>
      world.link(tunnel.iface).present && world.link(tunnel.iface).address === null
        ? errAsync({ kind: 'misconfigured', setting: 'iface', problem: 'has no usable global IPv6 address' })
        : real.up(tunnel, signal),
  };
  return Object.assign(world, { drivers: { ...world.drivers, external } });
}
