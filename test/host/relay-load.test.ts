import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Running } from '../support/command.js';
import { RelayBed } from '../support/relay-bed.js';
import { requireHost } from '../support/require-host.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

// Many flows at once, through mappings and the SOCKS5 proxy, over real tunnels.

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

const [FAR] = TARGETS;

/** On the IPv6 side, and in the client's namespace, all ports are this test's own. */
const TCP = 8_001;
const UDP = 8_002;
const INSIDE_TCP = 9_001;
const INSIDE_UDP = 9_002;
const SOCKS5 = 1_080;

/** Of each: downloads through the proxy, downloads through a mapping, and the same in sessions of datagrams. */
const EACH = 100;
const IDLE = 1_000;

/** From the cut to an answered connection (the goal of the project for a black hole). */
const NEW_FLOWS_AFTER = 1_200;

/** What one idle connection may add to the daemon: Node takes some 20 kB for its two sockets. */
const IDLE_BYTES_AT_MOST = 64_000;

describe.skipIf(blocked !== null)(`the relay under load${blocked === null ? '' : ` (${blocked})`}`, () => {
  let relay: RelayBed;
  let far: { readonly tcp: string; readonly udp: string };
  let atRest: number;
  const running: Running[] = [];

  beforeAll(async () => {
    relay = await RelayBed.create(`
[mapping.tcp]
protocol = tcp
internal_port = ${INSIDE_TCP}
external_port = ${TCP}
[mapping.udp]
protocol = udp
internal_port = ${INSIDE_UDP}
external_port = ${UDP}
`);
    const { client, internet } = relay.bed;
    await client.spawn(node('relay-program', '127.0.0.1', INSIDE_TCP, INSIDE_UDP)).says(/ready/);
    const [, tcp = '', udp = ''] = await internet.spawn(node('relay-program', FAR)).says(/tcp (\d+) udp (\d+) ready/);
    far = { tcp, udp };
    atRest = await relay.sockets();
  });
  afterAll(() => relay?.destroy());
  afterEach(async () => {
    for (const program of running.splice(0)) await program.stop();
  });

  const start = (space: 'client' | 'internet', argv: readonly string[]): Running => {
    const program = relay.bed[space].spawn(argv);
    running.push(program);
    return program;
  };
  const isAtRest = async (): Promise<boolean> =>
    (await relay.flows()).flows.every(({ kind }) => kind === 'udp') && (await relay.sockets()) <= atRest;

  it(`${IDLE} idle connections through a mapping cost less than ${IDLE_BYTES_AT_MOST / 1_000} kB each`, async () => {
    const before = await relay.memory();

    const peer = start('internet', node('relay-peer', 'idle', relay.address('a'), TCP, IDLE));
    await peer.says(new RegExp(`idle: ${IDLE}`), 30_000);
    await waitFor(async () => (await relay.flows()).total === IDLE, 5_000, 'all of them to be joined');
    const each = ((await relay.memory()) - before) / IDLE;

    expect(each).toBeGreaterThan(0);
    expect(each).toBeLessThan(IDLE_BYTES_AT_MOST);
    await peer.stop();
    await waitFor(isAtRest, 10_000, 'every descriptor to be given back');
  });

  it(`a cut under ${2 * EACH} downloads and as many sessions: new flows at once, nothing hangs or leaks`, async () => {
    const through = start('client', node('socks5-load', SOCKS5, FAR, far.tcp, far.udp, EACH));
    const mapped = start('internet', node('relay-peer', 'hold', relay.address('a'), TCP, UDP, EACH, 'slowly'));
    await through.says(new RegExp(`downloads ${EACH} bytes [1-9]\\d* sessions ${EACH}\\n`), 20_000);
    await mapped.says(/holding: [1-9]\d* bytes, [1-9]/, 20_000);
    await waitFor(async () => (await relay.flows()).total >= 4 * EACH, 10_000, 'all flows to be there');
    const fresh = {
      socks5: start('client', node('new-flows', FAR, far.tcp, SOCKS5)),
      mapping: start('internet', node('new-flows', relay.address('b'), TCP)),
    };
    await fresh.socks5.says(/answered/);
    await fresh.mapping.says(/ready/);
    const since = fresh.socks5.output.length;

    await relay.bed.cut('popA');
    const cutAt = Date.now();
    const firstAfter = (program: Running, from: number): Promise<number> =>
      waitFor(
        () => {
          const answered = program.output.slice(from).matchAll(/answered (\d+) (\d+)\n/g);
          const ends = [...answered].filter(([, began]) => Number(began) >= cutAt).map(([, , end]) => Number(end));
          return ends.length === 0 ? null : Math.min(...ends) - cutAt;
        },
        10_000,
        'a new flow to be answered',
      );
    const after = { socks5: await firstAfter(fresh.socks5, since), mapping: await firstAfter(fresh.mapping, 0) };

    expect(after.socks5).toBeLessThan(NEW_FLOWS_AFTER);
    expect(after.mapping).toBeLessThan(NEW_FLOWS_AFTER);
    await waitFor(() => relay.isHardDown('a'), 5_000, 'a to be called unreachable');
    const hangs = async (): Promise<boolean> => (await relay.flows()).flows.some(({ tunnel }) => tunnel === 'a');
    await waitFor(async () => !(await hangs()), 1_000, 'the flows of the dead tunnel to end');
    // Connections cannot move, and their clients are told; associations go on through the other tunnel.
    const said = through.output.length;
    await waitFor(
      () => new RegExp(`downloads 0 bytes \\d+ sessions ${EACH}\\n`).test(through.output.slice(said)),
      5_000,
      'the downloads to be told of it, and every association to be heard again',
    );

    for (const program of running.splice(0)) await program.stop();
    await relay.bed.restore('popA');
    await relay.gatewayd.isUp('a', 20_000);
    await waitFor(isAtRest, 20_000, 'every descriptor to be given back');
    expect(relay.gatewayd.process.output).not.toContain('[ERROR]');
  });
});

function node(name: string, ...args: readonly (string | number)[]): readonly string[] {
  return [process.execPath, new URL(`../support/${name}.mjs`, import.meta.url).pathname, ...args.map(String)];
}
