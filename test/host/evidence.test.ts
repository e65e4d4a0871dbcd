import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { POP_UPLINK, POP_WAN, TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

/** What a namespace drops on arrival, in nft's words. */
const dropping = (what: string): string => `
table inet fault { }
delete table inet fault
table inet fault {
  chain arrive {
    type filter hook prerouting priority raw - 2;
    ${what} drop
  }
}
`;
const NOTHING = 'table inet fault { }\ndelete table inet fault\n';

describe.skipIf(blocked !== null)(`evidence from real packets${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let gatewayd: Gatewayd;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2 });
    gatewayd = await Gatewayd.start(
      bed,
      configurationFor(bed, '[failover]\nfailback_after = 1s\nfailback_at_most = 1s\n'),
    );
    await gatewayd.carriedBy('a');
    await waitFor(async () => (await gatewayd.tunnels()).tunnels.every((t) => t.reachable), 5_000, 'both to answer');
  });
  afterEach(async () => {
    for (const name of ['popA', 'popB', 'internet']) await bed.ns(name).nft(NOTHING);
    await waitFor(async () => (await gatewayd.tunnels()).tunnels.every((t) => t.reachable), 15_000, 'both to be back');
    await gatewayd.carriedBy('a', 70_000);
  });
  afterAll(async () => {
    await gatewayd.end();
    await bed.destroy();
  });

  const place = async (name: string): Promise<unknown> =>
    (await gatewayd.tunnels()).tunnels.find((t) => t.name === name)?.fault_place;

  it.each([
    ['underlay', `iifname "${POP_WAN}"`, 'on the IPv4 path'],
    ['pop', `iifname "${POP_WAN}" ip protocol ipv6`, 'at the tunnel server'],
    ['upstream', `iifname "${POP_UPLINK}"`, 'beyond the tunnel server'],
  ])('finds out that a silent tunnel is broken at the %s', async (expected, dropped, words) => {
    await bed.ns('popA').nft(dropping(dropped));

    await waitFor(async () => (await place('a')) !== null, 10_000, 'the place');
    expect(await place('a')).toBe(expected);
    expect(await place('b')).toBeNull();
    expect(gatewayd.process.output).toContain(`Tunnel a is broken ${words}`);
    expect((await gatewayd.health()).primary).toBe('b');
  });

  it('takes targets that answer nobody for what they are, and asks the providers meanwhile', async () => {
    await bed.ns('internet').nft(dropping('icmpv6 type echo-request'));
    const told = 'No probe target answers through any tunnel';
    await waitFor(() => gatewayd.process.output.includes(told), 10_000, 'the silence to be told');
    await waitFor(async () => (await gatewayd.tunnels()).tunnels.every((t) => t.reachable), 5_000, 'both to be well');

    expect(await gatewayd.health()).toMatchObject({ status: 'degraded', v6_reachable: true, primary: 'a' });
    const unreachable = /Tunnel . is unreachable/.exec(gatewayd.process.output.split(told)[1] ?? '');
    expect(unreachable).toBeNull();
    await bed.ns('internet').nft(NOTHING);
    await waitFor(() => gatewayd.process.output.includes('Probe targets answer again'), 15_000, 'targets to be heard');
  });

  it('notices that full-sized packets vanish, and that they pass again', async () => {
    const holed = async (): Promise<unknown> => (await gatewayd.tunnels()).tunnels[0]?.mtu_black_hole;
    await bed.ns('popA').nft(dropping(`iifname "${POP_WAN}" ip protocol ipv6 meta length > 1400`));

    await waitFor(async () => (await holed()) === true, 35_000, 'the black hole to be found');
    expect(gatewayd.process.output).toMatch(/Tunnel a loses packets of 1480 bytes without a word/);
    const { status, reasons, primary } = await gatewayd.health();
    expect({ status, primary }).toEqual({ status: 'degraded', primary: 'a' });
    expect(reasons.join()).toContain('MTU black hole');

    await bed.ns('popA').nft(NOTHING);
    await waitFor(async () => (await holed()) === false, 35_000, 'the black hole to be gone');
  });

  it('probes a tunnel rarely while a download proves it alive, and leaves it soon when that stops', async () => {
    const downloads = await bed.serveDownloads();
    const url = downloads.url(TARGETS[0], 20_000_000, 300_000);
    const download = bed.client.spawn([
      'curl',
      '-s',
      '-o',
      '/dev/null',
      '--interface',
      bed.pop('popA').tunnel.client,
      url,
    ]);
    const seen = async (): Promise<number> => {
      const counter = await bed.ns('internet').must(['nft', '-j', 'list', 'counter', 'inet', 'census', 'echoes']);
      return Number(/"packets": ?(\d+)/.exec(counter)?.[1]);
    };
    await bed.ns('internet').nft(`table inet census {
  counter echoes { }
  chain arrive {
    type filter hook prerouting priority raw - 3;
    icmpv6 type echo-request ip6 saddr ${bed.pop('popA').tunnel.client} ip6 length < 100 counter name echoes
  }
}
`);
    const rare = async (): Promise<boolean> => {
      const [before, from] = [await seen(), performance.now()];
      await waitFor(() => performance.now() - from >= 4_000, 5_000, 'four seconds');
      return (await seen()) - before <= 1;
    };
    await waitFor(rare, 30_000, 'probes to become rare');

    await bed.cut('popA');
    const cut = performance.now();
    await waitFor(async () => (await gatewayd.health()).primary === 'b', 5_000, 'b to take over');

    expect(performance.now() - cut).toBeLessThan(3_000);
    await bed.restore('popA');
    download.signal('SIGKILL');
    await download.end();
    await downloads.stop();
  });
});
