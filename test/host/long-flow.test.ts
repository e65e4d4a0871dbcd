import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Running } from '../support/command.js';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { type DownloadServer, Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl', 'ss'] });

/** A download that outlasts a failover, a recovery and a fail-back on the slowest of machines: 100 s. */
const BYTES = 5_000_000;
const BYTES_PER_SECOND = 50_000;

/** What a tunnel lost while the machine was busy counts for a minute; so long it may not be preferred. */
const FAILBACK_LIMIT = 75_000;

/** More than was on its way when the traffic moved. */
const GOES_ON = 150_000;

// mwan3's and OPNsense's users: what was begun over the backup must not be cut off because the first line is back.
describe.skipIf(blocked !== null)(`a long download${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let gatewayd: Gatewayd;
  let downloads: DownloadServer;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2 });
    downloads = await bed.serveDownloads();
    gatewayd = await Gatewayd.start(bed, configurationFor(bed, '[failover]\nfailback_after = 2s\n'));
    await gatewayd.carriedBy('a');
    await waitFor(async () => (await gatewayd.tunnels()).tunnels.every((t) => t.reachable), 5_000, 'both to answer');
  });
  afterAll(async () => {
    await gatewayd.end();
    await bed.destroy();
  });

  const curl = (bytes: number, ...limits: readonly string[]): readonly string[] => [
    ...['curl', '-sS', '-o', '/dev/null', '-w', '%{local_ip} %{size_download}\n', ...limits],
    downloads.url(TARGETS[0], bytes, limits.length > 0 ? undefined : BYTES_PER_SECOND),
  ];
  /** What established connections to the server have received, by the address of the client that they come from. */
  const received = async (): Promise<ReadonlyMap<string, number>> => {
    const argv = ['ss', '-H', '-O', '-6', '-t', '-n', '-i', 'state', 'established', 'dport', '=', `:${downloads.port}`];
    const found = (await bed.client.must(argv)).matchAll(/\[([^\]]+)\]:\d+\s+\[.*bytes_received:(\d+)/g);
    return new Map([...found].map(([, source = '', bytes]) => [source, Number(bytes)]));
  };

  it('that began over the backup goes on over it, from its address, while all that is new goes back', async () => {
    const [a, b] = [bed.pop('popA').tunnel.client, bed.pop('popB').tunnel.client];
    await bed.cut('popA');
    await gatewayd.carriedBy('b', 5_000);
    const long: Running = bed.client.spawn(curl(BYTES));
    const got = async (): Promise<number> => (await received()).get(b) ?? 0;
    await waitFor(async () => (await got()) > 0, 5_000, 'the download to begin');

    await bed.restore('popA');
    await gatewayd.carriedBy('a', FAILBACK_LIMIT);

    const before = await got();
    expect(await bed.client.must(curl(1_000, '-m', '5'))).toBe(`${a} 1000\n`);
    await waitFor(async () => (await got()) > before + GOES_ON, 20_000, 'the download to go on');
    expect([...(await received()).keys()]).toEqual([b]);
    expect(long.ended).toBe(false);
    expect((await gatewayd.health()).primary).toBe('a');
    expect(await bed.foreignPackets('popA')).toBe(0);
    expect(await bed.foreignPackets('popB')).toBe(0);
  });
});
