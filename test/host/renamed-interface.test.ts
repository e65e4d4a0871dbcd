import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });
const LIMIT = 20_000;

// What udev and people do to interfaces. The kernel's routes follow the renamed one; its rules by name do not.
describe.skipIf(blocked !== null)(
  `a tunnel whose interface is given another name${blocked === null ? '' : ` (${blocked})`}`,
  () => {
    let bed: Testbed;
    let gatewayd: Gatewayd;
    let before: string;
    let whole: string;

    beforeAll(async () => {
      bed = await Testbed.create({ pops: 2 });
      before = await bed.snapshot('client');
      gatewayd = await Gatewayd.start(bed, configurationFor(bed, '[failover]\nfailback_after = 1s\n'));
      await gatewayd.carriedBy('a');
      await settled();
      whole = await present();
    });
    afterAll(async () => {
      await gatewayd.end();
      await bed.destroy();
    });

    /** A link-local address is drawn anew with its interface. */
    const present = async (): Promise<string> =>
      (await bed.snapshot('client')).replace(/fe80::[0-9a-f:]{4,}/g, 'fe80::x');
    const settled = async (): Promise<void> => {
      const all = async (): Promise<boolean> =>
        (await gatewayd.tunnels()).tunnels.every((t) => t.state === 'up' && t.liveness === 'alive');
      await waitFor(all, LIMIT, 'both tunnels to answer');
      await gatewayd.carriedBy('a', LIMIT);
      const standby = async (): Promise<boolean> =>
        (await bed.client.must(['ip', '-6', 'route', 'show', 'default'])).includes('dev he-b');
      await waitFor(standby, LIMIT, 'the standby route');
    };

    it.each(['he-b', 'he-a'])('is there again under its own, and nothing is left of the other: %s', async (iface) => {
      await bed.client.ip(`link set ${iface} name renamed7`);
      const made = async (): Promise<boolean> =>
        (await bed.client.exec(['ip', 'link', 'show', 'dev', iface])).exitCode === 0;
      await waitFor(made, LIMIT, `${iface} to be made anew`);
      await settled();

      await waitFor(async () => (await present()) === whole, LIMIT, 'everything to be back').catch(async (error) => {
        expect(await present(), String(error)).toBe(whole);
      });
    });

    it('leaves the host as it was', async () => {
      expect(await gatewayd.end()).toBe(0);
      expect(await bed.snapshot('client')).toBe(before);
    });
  },
);
