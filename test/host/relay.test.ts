import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlowsDocument, PortsDocument, ProbeDocument } from '@hurricane/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import type { Running } from '../support/command.js';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { requireNative } from '../support/require-native.js';
import { Testbed } from '../support/testbed.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

const script = (name: string): string => new URL(`../support/${name}.mjs`, import.meta.url).pathname;

/** Ports on the IPv6 side, which is all the test's own. */
const TCP = 8_001;
const UDP = 7_654;
const CONFIGURED = 8_002;
const HELD = 50;
const EACH = 100;

describe.skipIf(blocked !== null)(`port mappings${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let gatewayd: Gatewayd;
  let program: Running;
  let inside: { readonly tcp: number; readonly udp: number };
  let stateDir: string;

  const configuration = (more = ''): string =>
    configurationFor(
      bed,
      `[core]\nstate_dir = ${stateDir}\n[exposure]\nmode = proxy\n[failover]\nfailback = never\n${more}`,
    );
  const configured = (): string =>
    `[mapping.web]\nprotocol = tcp\ninternal_port = ${inside.tcp}\nexternal_port = ${CONFIGURED}\n`;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2 });
    // From one provider to the other.
    await bed.internet.sysctl('net.ipv6.conf.all.forwarding=1');
    stateDir = await mkdtemp(join(tmpdir(), 'relay-state-'));
    program = bed.client.spawn([process.execPath, script('relay-program')]);
    const [, tcp, udp] = await program.says(/tcp (\d+) udp (\d+) ready/);
    inside = { tcp: Number(tcp), udp: Number(udp) };
    gatewayd = await Gatewayd.startOn(bed, 'a', configuration(configured()));
    await gatewayd.isUp('b');
  });
  afterAll(async () => {
    await gatewayd.end();
    await bed.destroy();
    await rm(stateDir, { recursive: true, force: true });
  });

  const ask = async (method: string, path: string, body?: object): Promise<{ status: number; document: unknown }> => {
    const data = body === undefined ? [] : ['-H', 'content-type: application/json', '-d', JSON.stringify(body)];
    const url = `http://127.0.0.1:8642${path}`;
    const text = await bed.client.must(['curl', '-sS', '-X', method, '-w', '\n%{http_code}', ...data, url]);
    const [answer = '', status] = text.split(/\n(?=\d+$)/);
    return { status: Number(status), document: JSON.parse(answer) };
  };
  const ports = async (): Promise<PortsDocument['ports']> => (await gatewayd.get<PortsDocument>('/ports')).ports;
  const flows = (): Promise<FlowsDocument> => gatewayd.get('/flows');
  const probe = (protocol: string, port: number): Promise<ProbeDocument> =>
    gatewayd.get(`/probe/${protocol}?port=${port}`);
  const address = (tunnel: 'a' | 'b'): string => bed.pop(tunnel === 'a' ? 'popA' : 'popB').tunnel.client;
  const peer = (...args: readonly (string | number)[]): readonly string[] => [
    process.execPath,
    script('relay-peer'),
    ...args.map(String),
  ];
  const echoesAt = async (tunnel: 'a' | 'b'): Promise<void> => {
    expect(await bed.internet.must(peer('echo', address(tunnel), TCP, UDP))).toBe('echoed\n');
  };
  /** Descriptors of the daemon that are sockets; its helpers' pipes are among them. */
  const sockets = async (): Promise<number> => {
    const folder = `/proc/${gatewayd.process.pid}/fd`;
    const names = await readdir(folder);
    const links = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => '')));
    return links.filter((link) => link.startsWith('socket:')).length;
  };

  it('lead from the primary’s address to a program here', async () => {
    const map = (protocol: string, external_port: number, internal_port: number) =>
      ask('POST', `/ports/${protocol}`, { internal_port, external_port, v6_address: 'auto' });

    expect(await map('tcp', TCP, inside.tcp)).toMatchObject({ status: 200, document: { v6_address: address('a') } });
    expect(await map('udp', UDP, inside.udp)).toMatchObject({ status: 200, document: { v6_address: address('a') } });
    await echoesAt('a');

    expect(await ports()).toMatchObject([
      { name: 'web', external_port: CONFIGURED, state: 'open' },
      { name: null, protocol: 'tcp', external_port: TCP, auto: true, state: 'open' },
      { name: null, protocol: 'udp', external_port: UDP, auto: true, state: 'open' },
    ]);
  });

  it('refuse what would open the API, and name who has a port', async () => {
    expect(
      await ask('POST', '/ports/tcp', { internal_port: 8642, external_port: 9_999, v6_address: 'auto' }),
    ).toMatchObject({ status: 409, document: { kind: 'port_reserved' } });
    expect(
      await ask('POST', '/ports/tcp', { internal_port: 1, external_port: CONFIGURED, v6_address: 'auto' }),
    ).toMatchObject({
      status: 409,
      document: { kind: 'port_taken', detail: expect.stringContaining('in the configuration ("web")') },
    });
    const other = bed.client.spawn([process.execPath, script('echo-server'), address('a')]);
    const taken = Number((await other.says(/listening on port (\d+)/))[1]);
    expect(
      await ask('POST', '/ports/udp', { internal_port: 1, external_port: taken, v6_address: 'auto' }),
    ).toMatchObject({
      status: 409,
      document: { kind: 'port_taken', detail: expect.stringContaining(`(process ${other.pid})`) },
    });
    await other.stop();
    expect(await ask('DELETE', `/ports/tcp/${CONFIGURED}`)).toMatchObject({
      status: 409,
      document: { kind: 'mapping_configured' },
    });
  });

  it(`carry ${EACH} transfers of each kind byte for byte, and resets as resets`, async () => {
    const text = await bed.internet.must(peer('transfers', address('a'), TCP, EACH), { limit: 100_000 });

    const { resetsSeen, ...kinds } = JSON.parse(text);
    const right = { right: EACH, wrong: [] };
    expect(kinds).toEqual({ echo: right, megabyte: right, reply: right, reset: right, resetting: right });
    expect(resetsSeen).toBe(EACH);
    await waitFor(async () => (await flows()).flows.every(({ kind }) => kind === 'udp'), 5_000, 'all flows to end');
  });

  it('are found reachable from the other tunnel, and unreachable when the far side drops', async () => {
    for (const [protocol, port] of [
      ['udp', UDP],
      ['tcp', TCP],
    ] as const)
      expect(await probe(protocol, port)).toMatchObject({
        status: 'reachable',
        port,
        address: address('a'),
        vantage: 'b',
        latency_ms: expect.any(Number),
      });

    await bed.ns('popA').nft(`table inet strict {
      chain pass {
        type filter hook forward priority 0;
        ip6 daddr ${address('a')} udp dport ${UDP} drop
        ip6 daddr ${address('a')} tcp dport ${TCP} drop
      }
    }`);
    const dropped = await Promise.all([probe('udp', UDP), probe('tcp', TCP)]);
    await bed.ns('popA').nft('delete table inet strict');

    expect(dropped.map(({ status, vantage }) => [status, vantage])).toEqual([
      ['unreachable', 'b'],
      ['unreachable', 'b'],
    ]);
    expect(await bed.foreignPackets('popA')).toBe(0);
    expect(await bed.foreignPackets('popB')).toBe(0);
    expect((await probe('udp', 5)).status).toBe('unknown');
  });

  it('come and go with the configuration, and leave others alone', async () => {
    const before = await ports();
    const holder = bed.internet.spawn(peer('hold', address('a'), TCP, UDP, 2));
    await holder.says(/holding: [1-9]\d* bytes, [1-9]/);

    await gatewayd.reload(configuration());
    await waitFor(async () => (await ports()).length === 2, 5_000, 'the configured mapping to go');
    await gatewayd.reload(configuration(configured()));
    await waitFor(async () => (await ports()).length === 3, 5_000, 'the configured mapping to come');

    expect((await ports()).filter(({ name }) => name === null)).toEqual(before.filter(({ name }) => name === null));
    expect((await flows()).flows.filter(({ kind }) => kind === 'tcp')).toHaveLength(2);
    await holder.stop();
    await waitFor(async () => (await flows()).flows.every(({ kind }) => kind === 'udp'), 5_000, 'the downloads to end');
  });

  it('outlive a kill, and come back with their tunnel', async () => {
    const before = await ports();
    await gatewayd.kill();
    gatewayd = await Gatewayd.startOn(bed, 'a', configuration(configured()));
    await gatewayd.isUp('b');

    await waitFor(async () => (await ports()).every(({ state }) => state === 'open'), 5_000, 'the mappings to open');
    const after = await ports();
    const made = (all: typeof before) => all.filter(({ name }) => name === null);
    expect(made(after)).toEqual(made(before));
    await echoesAt('a');
  });

  it('follow a failover at once; what went by the dead tunnel ends, and nothing is left of it', async () => {
    await waitFor(async () => (await flows()).total === 1, 5_000, 'only the last echo’s session to be left');
    const before = await sockets();
    const holder = bed.internet.spawn(peer('hold', address('a'), TCP, UDP, HELD));
    await waitFor(async () => (await flows()).total === 2 * HELD + 1, 20_000, 'all flows to be there');

    await bed.cut('popA');
    await gatewayd.carriedBy('b', 5_000);
    await echoesAt('b');
    expect(await ports()).toMatchObject(Array(3).fill({ v6_address: address('b'), state: 'open' }));

    const hardDown = async (): Promise<boolean> =>
      (await gatewayd.tunnels()).tunnels.some(({ name, liveness }) => name === 'a' && liveness === 'hard_down');
    await waitFor(hardDown, 5_000, 'a to be called unreachable');
    await waitFor(
      async () => (await flows()).flows.every(({ tunnel }) => tunnel === 'b'),
      1_000,
      'the flows of the dead tunnel to end',
    );
    await holder.stop();
    await bed.restore('popA');
    await gatewayd.isUp('a', 20_000);
    // One session of the echo was there before, and one is there after.
    await waitFor(async () => (await sockets()) <= before, 20_000, 'every descriptor to be given back');
    expect(gatewayd.process.output).not.toContain('[ERROR]');
  });

  it('are told in the metrics and by the command line', async () => {
    const metrics = await bed.client.must(['curl', '-sS', 'http://127.0.0.1:8642/metrics']);
    expect(metrics).toMatch(/hurricane_relay_flows_ended_total\{kind="tcp",end="tunnel_down"\} 50\n/);
    expect(metrics).toMatch(/hurricane_relay_flows_ended_total\{kind="udp",end="tunnel_down"\} 5[01]\n/);
    const engine = requireNative() === null ? 'native' : 'stream';
    expect(metrics).toContain(`hurricane_relay_engine{name="${engine}"} 1\n`);
    expect(metrics).toMatch(/hurricane_relay_bytes_total\{kind="tcp",direction="received"\} [1-9]\d+\n/);

    const url = ['--url', 'http://127.0.0.1:8642'];
    const lines = await bed.client.must([process.execPath, await builtCli(), 'ports', ...url]);
    expect(lines.split('\n')).toContain(`udp  [${address('b')}]:${UDP} -> 127.0.0.1:${inside.udp}`);
    expect(lines).toContain(`[${address('b')}]:${CONFIGURED} -> 127.0.0.1:${inside.tcp}  web\n`);
  });

  it('let connections finish when the daemon stops, for a while', async () => {
    const holder = bed.internet.spawn(peer('hold', address('b'), TCP, UDP, 3));
    await holder.says(/holding: [1-9]\d* bytes, [1-9]/);
    const began = performance.now();

    expect(await gatewayd.end()).toBe(0);

    expect(performance.now() - began).toBeLessThan(10_000);
    expect(gatewayd.process.output).toContain('Ended 3 connections through the relay');
    await holder.stop();
  });
});
