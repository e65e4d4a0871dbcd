import type { FlowsDocument } from '@hurricane/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Running } from '../support/command.js';
import { RelayBed } from '../support/relay-bed.js';
import { requireHost } from '../support/require-host.js';
import { TorNetwork } from '../support/tor-network.js';
import { waitFor } from '../support/wait-for.js';

// A real tor that reaches its network by nothing but the SOCKS5 proxy. The network is a small one of its own.

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl', 'ss', 'tor'] });

/** A server in the network's world, beyond the last relay. */
const MIRROR_V4 = '203.0.113.1';
const MIRROR_V6 = '2001:db8:ffff::1';
const SOCKS = '127.0.0.1:9050';

describe.skipIf(blocked !== null)(`tor behind the SOCKS5 proxy${blocked === null ? '' : ` (${blocked})`}`, () => {
  let relay: RelayBed;
  let tor: Running;

  beforeAll(async () => {
    relay = await RelayBed.create('');
    const { internet, client } = relay.bed;
    await internet.ip(`addr add ${MIRROR_V4}/32 dev lo`);
    const mirror = new URL('../support/mirror-server.mjs', import.meta.url).pathname;
    await internet.spawn([process.execPath, mirror, MIRROR_V4, MIRROR_V6]).says(/ready/);
    const network = await TorNetwork.start(internet, relay.folder);
    await waitFor(async () => (await network.reachable()) >= 3, 45_000, 'a consensus with three relays');
    tor = client.spawn(
      await network.configured(
        'client',
        `SocksPort ${SOCKS} IPv6Traffic
Socks5Proxy 127.0.0.1:1080
ClientUseIPv4 0
ClientUseIPv6 1
`,
      ),
    );
  }, 90_000);
  afterAll(() => relay?.destroy());

  const asked = async (host: string): Promise<string> =>
    relay.bed.client.must(
      ['curl', '-sS', '-g', '--max-time', '15', '--socks5-hostname', SOCKS, `http://${host}:8080/`],
      {
        limit: 20_000,
      },
    );

  it('bootstraps to the end', async () => {
    await tor.says(/Bootstrapped 100% \(done\)/, 40_000);
  });

  it('builds circuits, by which it is answered from the last relay', async () => {
    expect(await asked(MIRROR_V4)).toMatch(/^you are 203\.0\.113\.1[0-3]\n$/);
  });

  it('holds links to relays at IPv6 addresses, all of them through the proxy', async () => {
    const links = async (): Promise<FlowsDocument['flows']> =>
      (await relay.flows()).flows.filter(({ origin }) => origin === 'socks5');
    // What a relay sends of the TLS handshake; and cells of 514 bytes (tor-spec), of which all of this took dozens.
    const isUsed = async (): Promise<boolean> => {
      const all = await links();
      const answered = all.every(({ received_bytes }) => received_bytes > 500);
      return answered && all.some(({ sent_bytes }) => sent_bytes > 10 * 514);
    };
    await waitFor(isUsed, 5_000, 'every link to have carried something, and one of them cells');

    for (const { target } of await links()) expect(target).toMatch(/^\[2001:db8:ffff::1[0-3]\]:5000$/);
    const sockets = await relay.bed.client.must(['ss', '-Htnp', 'state', 'established']);
    const own = sockets.split('\n').filter((line) => line.includes('"tor"'));
    // Local and remote end are the third and fourth column of what is left without the state.
    const remote = own.map((line) => line.trim().split(/\s+/)[3] ?? '');
    expect(remote).toContain('127.0.0.1:1080');
    expect(remote.filter((end) => !end.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('goes on through the other tunnel when its own is cut', async () => {
    await relay.bed.cut('popA');
    await relay.gatewayd.carriedBy('b');

    const again = await waitFor(() => asked(MIRROR_V4).catch(() => null), 40_000, 'an answer over new circuits');

    expect(again).toMatch(/^you are 203\.0\.113\.1[0-3]\n$/);
    // Those of the dead tunnel are ended once it is called unreachable, which may be later than its answer.
    const hangs = async (): Promise<boolean> =>
      (await relay.flows()).flows.some(({ origin, tunnel }) => origin === 'socks5' && tunnel !== 'b');
    await waitFor(async () => !(await hangs()), 5_000, 'the links through the dead tunnel to end');
  });
});
