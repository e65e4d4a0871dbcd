import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../support/command.js';
import { I2pRouter } from '../support/i2p-router.js';
import type { Namespace } from '../support/namespace.js';
import { addNamespaces, removeNamespaces } from '../support/namespace-names.js';
import { RelayBed } from '../support/relay-bed.js';
import { requireHost } from '../support/require-host.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

// Real i2pd routers in a network of their own: one out through the SOCKS5 proxy, one in through mappings of both kinds.

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl', 'ss', 'i2pd'] });

const [FAR] = TARGETS;
const OUTSIDE = 7_600;
const BEHIND = 7_610;
const MAPPED = 7_620;

/**
 * i2pd neither calls nor answers addresses that are loopback or reserved (util.cpp, IsInReservedRange), documentation
 * included. So the program behind the mappings is on another machine of the house, and the far side knows this one by
 * another address, as behind a prefix translator (RFC 6296). 2001:2::/48 is for benchmarks (RFC 5180).
 */
const HOUSE = { gateway: '2001:2:0:1::1', machine: '2001:2:0:1::2' };
const KNOWN_AS = '2001:2:0:2::1';
const FAR_KNOWN_AS = '2001:2:0:3::1';
const FOR_BENCHMARKS = '2001:2::/48';

const MAPPINGS = `
[mapping.ntcp2]
protocol = tcp
internal_host = ${HOUSE.machine}
internal_port = ${MAPPED}
[mapping.ssu2]
protocol = udp
internal_host = ${HOUSE.machine}
internal_port = ${MAPPED}
`;

const ntcp2Only = ['ssu2.enabled = false', 'ntcp2.enabled = true', 'ntcp2.published = true'];
const ssu2Only = ['ntcp2.enabled = false', 'ssu2.enabled = true', 'ssu2.published = true'];

describe.skipIf(blocked !== null)(`i2pd and the relay${blocked === null ? '' : ` (${blocked})`}`, () => {
  let relay: RelayBed;
  let machine: Namespace;

  beforeAll(async () => {
    relay = await RelayBed.create(MAPPINGS);
    const [added] = await addNamespaces(['house']);
    if (added === undefined) throw new Error('no namespace');
    machine = added;
    const { client, internet } = relay.bed;
    await mustRun([
      ...['ip', 'link', 'add', 'house', 'netns', client.name, 'type', 'veth'],
      ...['peer', 'name', 'house', 'netns', machine.name],
    ]);
    await client.ip('link set house up', `addr add ${HOUSE.gateway}/64 dev house nodad`);
    await machine.ip('link set lo up', 'link set house up', `addr add ${HOUSE.machine}/64 dev house nodad`);
    await internet.nft(`table ip6 translator {
      chain arrive {
        type nat hook input priority 100;
        meta l4proto { tcp, udp } th dport ${OUTSIDE} snat to ${KNOWN_AS}
      }
      chain leave {
        type nat hook output priority -100;
        ip6 daddr ${KNOWN_AS} dnat to ${relay.address('a')}
      }
    }`);
    await internet.ip(
      `addr add ${FAR_KNOWN_AS}/128 dev lo nodad`,
      `route add ${FOR_BENCHMARKS} via ${relay.bed.pop('popA').uplink.pop}`,
    );
  });
  afterAll(async () => {
    await relay?.destroy();
    await removeNamespaces([machine]);
  });

  it.each([
    ['NTCP2', 'CONNECT', ntcp2Only, 'ntcp2.proxy', { kind: 'tcp', target: `[${FAR}]:${OUTSIDE}` }],
    // An association has no one place that it leads to.
    ['SSU2', 'UDP ASSOCIATE', ssu2Only, 'ssu2.proxy', { kind: 'udp', target: '[::]:0' }],
  ] as const)('links to another router over %s, out through %s', async (transport, _command, only, proxy, flow) => {
    const { client, internet } = relay.bed;
    const host = transport === 'SSU2' ? FAR_KNOWN_AS : FAR;
    // So that datagrams are answered from where they were sent to.
    const more = [...only, `address6 = ${host}`];
    const outside = await I2pRouter.start(internet, relay.folder, {
      name: `outside-${transport}`,
      host,
      port: OUTSIDE,
      more,
    });
    const behind = await I2pRouter.start(
      client,
      relay.folder,
      {
        name: `behind-${transport}`,
        host: KNOWN_AS,
        port: BEHIND,
        more: [...only, `${proxy} = socks://127.0.0.1:1080`],
      },
      [`outside-${transport}`],
    );

    await linked(outside, behind);

    const { flows } = await relay.flows();
    expect(flows.filter(({ origin }) => origin === 'socks5')).toMatchObject([{ ...flow, tunnel: 'a' }]);
    await Promise.all([behind.process.stop(), outside.process.stop()]);
    await waitFor(async () => (await relay.flows()).total === 0, 5_000, 'the flows to end');
  });

  it.each([
    ['NTCP2', 'tcp', ntcp2Only],
    ['SSU2', 'udp', ssu2Only],
  ] as const)('is linked to over %s, in through a mapping', async (_transport, protocol, only) => {
    const { internet } = relay.bed;
    const inside = await I2pRouter.start(machine, relay.folder, {
      name: `inside-${protocol}`,
      host: KNOWN_AS,
      port: MAPPED,
      more: only,
    });
    const far = await I2pRouter.start(
      internet,
      relay.folder,
      { name: `far-${protocol}`, host: FAR, port: OUTSIDE, more: only },
      [`inside-${protocol}`],
    );

    await linked(inside, far);

    const { flows } = await relay.flows();
    expect(flows.filter(({ origin }) => origin === `mapping ${protocol} ${MAPPED}`)).toMatchObject([
      { kind: protocol, tunnel: 'a', target: `[${HOUSE.machine}]:${MAPPED}` },
    ]);
    await Promise.all([inside.process.stop(), far.process.stop()]);
  });
});

/** Once one of them has built a tunnel of I2P's through the other, which takes messages both ways. */
async function linked(...routers: readonly I2pRouter[]): Promise<void> {
  const built = /I2NP: (In|Out)bound tunnel \d+ has been created/;
  await waitFor(() => routers.some(({ process }) => built.test(process.output)), 20_000, 'a tunnel to be built');
}
