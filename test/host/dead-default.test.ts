import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

/** Two seconds are promised, and a busy machine has its own. */
const LIMIT = 6_000;

// opnsense #8064, #7335, #6544: the gateway was called down, and the kernel's default route went on through it.
describe.skipIf(blocked !== null)(
  `the kernel’s default routes when tunnels die${blocked === null ? '' : ` (${blocked})`}`,
  () => {
    let bed: Testbed;
    let gatewayd: Gatewayd;

    beforeAll(async () => {
      bed = await Testbed.create({ pops: 3 });
      gatewayd = await Gatewayd.start(bed, configurationFor(bed));
      await gatewayd.carriedBy('a');
      await toBe('he-a', 'he-b', 'he-c');
    });
    afterAll(async () => {
      await gatewayd.end();
      await bed.destroy();
    });

    /** Their devices, the one that is used first. */
    const devices = async (): Promise<string> => {
      const routes = await bed.client.must(['ip', '-6', 'route', 'show', 'default']);
      const found = [...routes.matchAll(/^default .*?dev (\S+) .*?metric (\d+)/gm)];
      return found
        .sort((x, y) => Number(x[2]) - Number(y[2]))
        .map((route) => route[1])
        .join(' ');
    };
    const toBe = async (...wanted: readonly string[]): Promise<void> => {
      const said = (): string => `the default routes to be ${wanted.join(' ')}`;
      await waitFor(async () => (await devices()) === wanted.join(' '), LIMIT, said()).catch(async (error: unknown) => {
        expect(await devices(), String(error)).toBe(wanted.join(' '));
      });
    };

    it('lose the first one, a standby, and keep the last whatever becomes of it', async () => {
      await bed.cut('popA');
      await toBe('he-b', 'he-c');
      await bed.cut('popC');
      await toBe('he-b');
      await bed.cut('popB');
      const dead = async (): Promise<boolean> =>
        (await gatewayd.tunnels()).tunnels.every(({ liveness }) => liveness === 'hard_down');
      await waitFor(dead, LIMIT, 'all to be called unreachable');
      await toBe('he-b');
    });

    it('come back with the tunnels', async () => {
      await Promise.all(['popA', 'popC'].map((pop) => bed.restore(pop)));
      // Whichever of them is steady first has the traffic.
      const back = async (): Promise<boolean> => (await devices()).split(' ').sort().join(' ') === 'he-a he-c';
      await waitFor(back, LIMIT, 'the default routes of those that are back');
    });
  },
);
