import type { ProbeFinding, ProbePlan } from '@hurricane/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pingProber } from '../../packages/backends/src/ping.js';
import { spawnPing } from '../../packages/backends/src/ping-process.js';
import { Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'curl'] });

const [OLD, NEW] = ['2001:db8:1::2', '2001:db8:1::22'];
const LIMIT = 15_000;
/** A tunnel that is probed from an address it does not have is down after four. */
const ENOUGH_PROBES = 10;

// opnsense #7635, #7027: dpinger's socket stayed bound to the old address, and its gateway was down from then on.
describe.skipIf(blocked !== null)(
  `an interface that is given another address${blocked === null ? '' : ` (${blocked})`}`,
  () => {
    let bed: Testbed;

    beforeEach(async () => {
      bed = await Testbed.create({ pops: 2, plain: true });
      await bed.ns('popA').nft(`table inet probes { counter new { }
        chain arrive { type filter hook prerouting priority raw; ip6 saddr ${NEW} counter name new; }
      }`);
    });
    afterEach(() => bed.destroy());

    /** How many packets have come to the PoP from the new address. */
    const arrived = async (): Promise<number> =>
      Number(/packets (\d+)/.exec(await bed.ns('popA').must(['nft', 'list', 'counter', 'inet', 'probes', 'new']))?.[1]);
    const renumber = (): Promise<void> =>
      bed.client.ip6(`addr add ${NEW}/64 dev extA nodad`, `addr del ${OLD}/64 dev extA`);

    it('loses every ping that is bound to the old one, and answers one that is begun from the new one', async () => {
      await bed.client.ip6('route add default via 2001:db8:1::1 dev extA');
      const end = new AbortController();
      const watch = (source: string): readonly string[] => {
        const kinds: string[] = [];
        const plan: ProbePlan = { ...PLAN, source };
        const report = ({ outcome }: ProbeFinding): void => void kinds.push(outcome.kind);
        void prober().watch(plan, report, end.signal);
        return kinds;
      };
      const before = watch(OLD);
      await waitFor(() => before.length >= 2, LIMIT, 'replies to the old address');

      await renumber();
      await waitFor(() => before.filter((kind) => kind === 'lost').length >= 4, LIMIT, 'losses of the old address');
      const after = watch(NEW);
      await waitFor(() => after.length >= 3, LIMIT, 'replies to the new address');
      end.abort();

      expect(before.slice(0, 2)).toEqual(['reply', 'reply']);
      expect(after.slice(0, 3)).toEqual(['reply', 'reply', 'reply']);
    });

    it.each(['icmp', 'tcp'])(
      'is probed from the new one by the daemon, which moves no traffic for it: %s',
      async (method) => {
        const gatewayd = await Gatewayd.start(bed, configuration(method));
        await gatewayd.carriedBy('a');
        await waitFor(
          async () => (await gatewayd.tunnels()).tunnels.every((t) => t.reachable),
          LIMIT,
          'both to answer',
        );

        await renumber();
        await waitFor(async () => (await arrived()) >= ENOUGH_PROBES, LIMIT, 'probes from the new address');

        const a = (await gatewayd.tunnels()).tunnels.find(({ name }) => name === 'a');
        expect(a).toMatchObject({ state: 'up', liveness: 'alive', primary: true });
        expect((await gatewayd.addresses()).addresses[0]).toMatchObject({ tunnel: 'a', address: NEW });
        expect(await bed.client.must(['ip', '-6', 'route', 'get', TARGETS[0]])).toContain(`dev extA`);
        expect(await bed.client.must(['ip', '-6', 'route', 'get', TARGETS[0]])).toContain(`src ${NEW}`);
        expect(gatewayd.process.output).not.toMatch(/stopped answering|Failing|failed/);
        expect(await gatewayd.end()).toBe(0);
      },
    );

    const prober = () =>
      pingProber({
        spawn: (argv, listener) => spawnPing(['ip', 'netns', 'exec', bed.client.name, ...argv], listener),
      });

    const configuration = (method: string): string =>
      [
        `[health]\ntargets = ${TARGETS.join(', ')}\nmethod = ${method}`,
        '[tunnel.a]\ntype = external\niface = extA\ngateway = 2001:db8:1::1\npriority = 0',
        '[tunnel.b]\ntype = external\niface = extB\ngateway = 2001:db8:2::1\npriority = 1\n',
      ].join('\n\n');
  },
);

const PLAN = {
  iface: 'extA',
  source: OLD,
  targets: [TARGETS[0]],
  interval: 200,
  deadline: { min: 150, max: 1_000 },
  rtt: null,
  packetSize: null,
};
