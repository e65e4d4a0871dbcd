import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { type DownloadServer, Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

/** Short, so that a test can watch a fail-back. */
const FAILBACK = '[failover]\nfailback_after = 2s\n';

describe.skipIf(blocked !== null)(`two 6in4 tunnels and real packets${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let gatewayd: Gatewayd;
  let downloads: DownloadServer;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2 });
    downloads = await bed.serveDownloads();
    gatewayd = await Gatewayd.start(bed, configurationFor(bed, FAILBACK));
    await gatewayd.carriedBy('a');
  });
  afterAll(async () => {
    await gatewayd.end();
    await bed.destroy();
  });

  const ip = async (...args: readonly string[]): Promise<readonly Record<string, unknown>[]> =>
    JSON.parse(await bed.client.must(['ip', '-j', '-6', ...args])) as readonly Record<string, unknown>[];
  const deviceTo = async (target: string, from?: string): Promise<unknown> =>
    (await ip('route', 'get', target, ...(from === undefined ? [] : ['from', from])))[0]?.['dev'];
  const defaultDevice = async (): Promise<unknown> => {
    const routes = await ip('route', 'show', 'default');
    return [...routes].sort((x, y) => Number(x['metric']) - Number(y['metric']))[0]?.['dev'];
  };
  /** The address a download that is begun now comes from. */
  const downloadSource = async (): Promise<string> =>
    bed.client.must([
      'curl',
      '-sS',
      '-m',
      '5',
      '-o',
      '/dev/null',
      '-w',
      '%{local_ip}',
      downloads.url(TARGETS[0], 200_000),
    ]);

  it('brings both up, each with its address, and says so', async () => {
    const { addresses } = await gatewayd.addresses();
    expect(addresses.map((a) => [a.tunnel, a.iface, a.address, a.prefix])).toEqual([
      ['a', 'he-a', bed.pop('popA').tunnel.client, 64],
      ['b', 'he-b', bed.pop('popB').tunnel.client, 64],
    ]);
    await waitFor(async () => (await gatewayd.tunnels()).tunnels.every((t) => t.reachable), 5_000, 'both to answer');
    const { tunnels } = await gatewayd.tunnels();
    expect(tunnels.map((t) => [t.name, t.state, t.score])).toEqual([
      ['a', 'up', 100],
      ['b', 'up', 100],
    ]);
    expect(await gatewayd.health()).toMatchObject({
      status: 'ok',
      v6_reachable: true,
      active_tunnels: 2,
      primary: 'a',
    });
  });

  it('sends packets from a tunnel’s address through that tunnel and nothing else', async () => {
    for (const letter of ['A', 'B']) {
      const { client } = bed.pop(`pop${letter}`).tunnel;
      expect(await deviceTo(TARGETS[0], client)).toBe(`he-${letter.toLowerCase()}`);
    }
    expect(await deviceTo(TARGETS[0])).toBe('he-a');
  });

  it('refuses to send from a tunnel’s address when that tunnel’s device is gone', async () => {
    const rules = await ip('rule', 'show');
    const ours = rules.filter((rule) => rule['protocol'] === '206' || rule['protocol'] === 206);
    expect(ours.length).toBe(4);
    for (const table of new Set(ours.map((rule) => String(rule['table'])))) {
      const routes = await ip('route', 'show', 'table', table);
      expect(routes.some((route) => route['type'] === 'unreachable' && route['dst'] === 'default')).toBe(true);
    }
  });

  it('moves new traffic to B when A becomes a black hole, with A’s interface still up', async () => {
    await bed.cut('popA');
    await gatewayd.carriedBy('b', 5_000);

    expect(await defaultDevice()).toBe('he-b');
    expect((await ip('link', 'show', 'dev', 'he-a'))[0]?.['flags']).toContain('UP');
    await bed.client.must(['ping', '-6', '-c', '1', '-W', '2', TARGETS[0]]);
    expect(await downloadSource()).toBe(bed.pop('popB').tunnel.client);
    // README "Monitoring Failover".
    expect(gatewayd.process.output).toMatch(/\[INFO\] Selected primary tunnel: a \(health: \d+\)/);
    expect(gatewayd.process.output).toContain('[WARN] Primary tunnel a health degraded: 0/100');
    expect(gatewayd.process.output).toMatch(/\[INFO\] Failing over from a to b \(health: 0 -> \d+\)/);
  });

  it('calls A unreachable once it has been silent for seconds', async () => {
    await waitFor(
      async () => (await gatewayd.tunnels()).tunnels.find((t) => t.name === 'a')?.liveness === 'hard_down',
      5_000,
      'a to be called unreachable',
    );
    expect((await gatewayd.tunnels()).tunnels.find((t) => t.name === 'a')).toMatchObject({
      score: 0,
      reachable: false,
    });
    expect(await gatewayd.health()).toMatchObject({ status: 'degraded', v6_reachable: true });
  });

  it('fails back once A has been well for the hold', async () => {
    await bed.restore('popA');
    await gatewayd.carriedBy('a', 15_000);

    expect(await defaultDevice()).toBe('he-a');
    expect(await downloadSource()).toBe(bed.pop('popA').tunnel.client);
  });

  it('switches at once when the primary’s interface is deleted, and brings it back', async () => {
    await bed.client.ip('link del he-a');
    await gatewayd.carriedBy('b', 2_000);
    await gatewayd.carriedBy('a', 20_000);
  });

  it('never let a packet leave by the wrong tunnel', async () => {
    expect(await bed.foreignPackets('popA')).toBe(0);
    expect(await bed.foreignPackets('popB')).toBe(0);
  });
});
