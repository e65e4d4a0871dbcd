import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Launch,
  launchProgram,
  linuxDrivers,
  systemProcesses,
  systemRunner,
  systemWgFiles,
} from '@hurricane/backends';
import { type BackendDriver, type ConfigOf, ROUTING_DEFAULTS } from '@hurricane/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mustRun } from '../support/command.js';
import { Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';
import {
  arrivedAt,
  forgetWireguard,
  installConfs,
  serveWireguard,
  silence,
  unsilence,
  type WgTunnel,
} from '../support/wireguard.js';

const tools = ['ip', 'nft', 'ping', 'socat', 'curl', 'wg', 'wg-quick', 'wireguard-go'];
const blocked = requireHost({ root: true, tun: true, tools });
const because = blocked === null ? '' : ` (skipped: ${blocked})`;

const live = (): AbortSignal => new AbortController().signal;

describe.skipIf(blocked !== null)(`WireGuard through wg-quick, on a real kernel${because}`, () => {
  let bed: Testbed;
  let tunnels: readonly WgTunnel[];
  let folder: string;
  let copies: string;
  let atFirst: string;
  let driver: BackendDriver<'wireguard'>;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 3 });
    tunnels = await serveWireguard(bed);
    atFirst = await stateOfClient();
  });
  afterAll(async () => {
    await bed?.destroy();
    await forgetWireguard(bed, tunnels);
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wireguard-'));
    copies = join(folder, 'copies');
    for (const { iface, conf } of tunnels) await writeFile(join(folder, `${iface}.conf`), conf, { mode: 0o600 });
    driver = newDriver();
  });
  afterEach(async () => {
    for (const each of tunnels) (await newDriver().down(configOf(each), live()))._unsafeUnwrap();
    await rm(folder, { recursive: true, force: true });
  });

  it('brings a full-tunnel file up, and takes it down without a trace', async () => {
    const [tunnel] = three();
    const file = join(folder, `${tunnel.iface}.conf`);
    await utimes(file, 1, 1);

    const reading = (await driver.up(configOf(tunnel), live()))._unsafeUnwrap();

    expect(reading).toMatchObject({
      link: 'up',
      address: tunnel.address,
      prefixLength: 128,
      carrier: 'wireguard-go',
      endpoint: `${tunnel.pop.v4}:51820`,
    });
    await ping(tunnel);
    expect((await driver.inspect(configOf(tunnel), live()))._unsafeUnwrap()).toMatchObject({
      handshakeAge: expect.any(Number),
    });
    // What wg-quick would have done to routing by itself.
    expect(await bed.client.must(['ip', '-4', 'rule'])).not.toContain('fwmark');
    expect(await bed.client.must(['ip', '-6', 'rule'])).not.toMatch(/fwmark|suppress/);
    expect(await bed.client.must(['nft', 'list', 'tables'])).toBe('');
    expect(await bed.client.must(['ip', 'route', 'get', '203.0.113.50'])).toContain('via 192.0.2.1');
    expect(await readdir(copies)).toEqual([]);

    (await driver.down(configOf(tunnel), live()))._unsafeUnwrap();

    expect(await stateOfClient()).toBe(atFirst);
    expect(await readFile(file, 'utf8')).toBe(tunnel.conf);
    expect((await stat(file)).mtimeMs).toBe(1_000);
    expect(await readdir(copies)).toEqual([]);
    expect(existsSync(`/run/wireguard/${tunnel.iface}.sock`)).toBe(false);
  });

  it('keeps three full-tunnel files apart: each sends what comes from its own address', async () => {
    const up = await Promise.all(tunnels.map((each) => driver.up(configOf(each), live())));

    expect(up.map((result) => result._unsafeUnwrap().address)).toEqual(tunnels.map(({ address }) => address));
    for (const tunnel of tunnels) {
      const before = await arrivals();
      await ping(tunnel);
      const after = await arrivals();
      const grown = tunnels.filter((_, i) => (after[i]?.passed ?? 0) > (before[i]?.passed ?? 0));
      expect(grown.map(({ iface }) => iface)).toEqual([tunnel.iface]);
    }
    expect((await arrivals()).map(({ foreign }) => foreign)).toEqual([0, 0, 0]);
    expect(await bed.client.must(['ip', '-4', 'rule'])).not.toContain('fwmark');
    expect(await bed.client.must(['ip', '-4', 'route', 'show', 'default'])).toMatch(
      /^default via 192\.0\.2\.1 dev wan0/,
    );

    // In another order than they came; those that stay are not disturbed.
    const [first, second, third] = three();
    (await driver.down(configOf(second), live()))._unsafeUnwrap();
    for (const each of [first, third]) await ping(each);
    await expect(ping(second), 'nothing leaves by another tunnel').rejects.toThrow();
    for (const each of [first, third]) (await driver.down(configOf(each), live()))._unsafeUnwrap();
    expect(await stateOfClient()).toBe(atFirst);
  });

  it('adopts its own after a restart, and makes it anew when the file says something else', async () => {
    const [tunnel] = three();
    (await driver.up(configOf(tunnel), live()))._unsafeUnwrap();
    const carrier = await carriers();

    (await newDriver().up(configOf(tunnel), live()))._unsafeUnwrap();
    expect(await carriers()).toEqual(carrier);

    const keepAlive = tunnel.conf.replace('[Peer]', '[Peer]\nPersistentKeepalive = 7');
    await writeFile(join(folder, `${tunnel.iface}.conf`), keepAlive);
    (await newDriver().up(configOf(tunnel), live()))._unsafeUnwrap();
    expect(await carriers()).not.toEqual(carrier);
    expect(await bed.client.must(['wg', 'show', tunnel.iface, 'persistent-keepalive'])).toContain('\t7');
    await ping(tunnel);
  });

  it('clears away what a crash in the middle of coming up has left', async () => {
    const [tunnel] = three();
    const conf = tunnel.conf.replace('[Interface]', '[Interface]\nTable = off').replace(/^DNS.*$/m, '');
    const files = systemWgFiles({ folder, copies });
    (await files.writeCopy(tunnel.iface, conf, live()))._unsafeUnwrap();
    // Made, but never marked: wg-quick had not come back when we died.
    await bed.client.must(['wg-quick', 'up', files.copyOf(tunnel.iface)]);
    await bed.client.must(['ip', '-6', 'addr', 'flush', 'dev', tunnel.iface]);

    (await driver.up(configOf(tunnel), live()))._unsafeUnwrap();

    await ping(tunnel);
    expect(await readdir(copies)).toEqual([]);
    (await driver.down(configOf(tunnel), live()))._unsafeUnwrap();
    expect(await stateOfClient()).toBe(atFirst);
  });

  it('ends a wg-quick that a crashed process of ours has left at work', async () => {
    const [tunnel] = three();
    const slow = tunnel.conf.replace(/^DNS.*$/m, 'Table = off\nPreUp = sleep 3');
    const files = systemWgFiles({ folder, copies });
    (await files.writeCopy(tunnel.iface, slow, live()))._unsafeUnwrap();
    const earlier = bed.client.spawn(['wg-quick', 'up', files.copyOf(tunnel.iface)]);
    await earlier.says(/sleep 3/);

    (await driver.up(configOf(tunnel), live()))._unsafeUnwrap();

    expect(earlier.ended).toBe(true);
    await ping(tunnel);
  });

  it('runs the file’s own commands, and leaves nothing when one of them fails', async () => {
    const [tunnel] = three();
    const file = join(folder, `${tunnel.iface}.conf`);
    const hooks = `PostUp = touch ${folder}/%i.up\nPostDown = touch ${folder}/%i.down\n`;
    await writeFile(file, tunnel.conf.replace('DNS', `${hooks}DNS`));
    (await driver.up(configOf(tunnel), live()))._unsafeUnwrap();
    expect(existsSync(`${folder}/${tunnel.iface}.up`)).toBe(true);
    (await driver.down(configOf(tunnel), live()))._unsafeUnwrap();
    expect(existsSync(`${folder}/${tunnel.iface}.down`)).toBe(true);

    await writeFile(file, tunnel.conf.replace('DNS', 'PostUp = echo no firewall here >&2; false\nDNS'));
    const error = (await driver.up(configOf(tunnel), live()))._unsafeUnwrapErr();
    expect(error).toMatchObject({ kind: 'command_failed', stderr: 'its PostUp command failed: no firewall here' });
    expect(await stateOfClient()).toBe(atFirst);
    expect(await readdir(copies)).toEqual([]);
  });

  it('shows no key when wg cannot read the file', async () => {
    const [tunnel] = three();
    const secret = /PrivateKey = (\S+)/.exec(tunnel.conf)?.[1] ?? '';
    for (const broken of [
      tunnel.conf.replace('PrivateKey', 'PrivatKey'),
      tunnel.conf.replace(secret, secret.slice(1)),
    ]) {
      await writeFile(join(folder, `${tunnel.iface}.conf`), broken);

      const error = (await driver.up(configOf(tunnel), live()))._unsafeUnwrapErr();

      expect(error).toMatchObject({ kind: 'command_failed', stderr: expect.stringMatching(/^(Line|Key) /) });
      expect(JSON.stringify(error)).not.toContain(secret.slice(1, 20));
      expect(await stateOfClient()).toBe(atFirst);
    }
  });

  it('uses what somebody else brought up, and leaves it up', async () => {
    const [tunnel] = three();
    const conf = tunnel.conf.replace('DNS = 10.64.0.1', 'Table = off');
    await writeFile(join(folder, `${tunnel.iface}.conf`), conf);
    await bed.client.must(['wg-quick', 'up', join(folder, `${tunnel.iface}.conf`)]);
    const before = await bed.snapshot('client');

    (await driver.up(configOf(tunnel), live()))._unsafeUnwrap();
    await ping(tunnel);
    (await driver.down(configOf(tunnel), live()))._unsafeUnwrap();

    expect(await bed.snapshot('client')).toBe(before);
    await bed.client.must(['wg-quick', 'down', join(folder, `${tunnel.iface}.conf`)]);
  });

  it('does not touch a TUN interface of that name that is not WireGuard', async () => {
    const [tunnel] = three();
    await bed.client.must(['ip', 'tuntap', 'add', 'dev', tunnel.iface, 'mode', 'tun']);
    const before = await bed.snapshot('client');

    const error = (await driver.up(configOf(tunnel), live()))._unsafeUnwrapErr();

    expect(error).toEqual({ kind: 'interface_taken', iface: tunnel.iface, found: 'tun interface' });
    (await driver.down(configOf(tunnel), live()))._unsafeUnwrap();
    expect(await bed.snapshot('client')).toBe(before);
    await bed.client.must(['ip', 'link', 'del', 'dev', tunnel.iface]);
  });

  it('does not call an idle tunnel with old keys down', async () => {
    const [tunnel] = three();
    (await driver.up(configOf(tunnel), live()))._unsafeUnwrap();
    await ping(tunnel);
    const anHour = 3_600;
    const later = newDriver();
    const carrier = await carriers();

    const realNow = Date.now;
    Date.now = () => realNow() + anHour * 1_000;
    const idle = (await later.inspect(configOf(tunnel), live()))._unsafeUnwrap();
    (await later.up(configOf(tunnel), live()))._unsafeUnwrap();
    Date.now = realNow;

    expect(idle).toMatchObject({ link: 'up', address: tunnel.address });
    expect((idle as { handshakeAge?: number }).handshakeAge).toBeGreaterThanOrEqual(anHour * 1_000);
    expect(await carriers()).toEqual(carrier);
    await ping(tunnel);
  });

  const launch: Launch = (argv, options) => launchProgram(['ip', 'netns', 'exec', bed.client.name, ...argv], options);

  /** As the next process would have it. */
  function newDriver(): BackendDriver<'wireguard'> {
    const runner = systemRunner(launch);
    const processes = systemProcesses({ launch, namespace: `/run/netns/${bed.client.name}` });
    const wireguardFiles = systemWgFiles({ folder, copies });
    return linuxDrivers({ routing: ROUTING_DEFAULTS, runner, processes, wireguardFiles }).wireguard;
  }

  const three = (): readonly [WgTunnel, WgTunnel, WgTunnel] => tunnels as unknown as [WgTunnel, WgTunnel, WgTunnel];
  const arrivals = () => Promise.all(tunnels.map((each) => arrivedAt(bed, each)));
  const ping = ({ address }: WgTunnel): Promise<string> =>
    bed.client.must(['ping', '-6', '-n', '-c', '1', '-W', '3', '-I', address, TARGETS[0]]);
  const carriers = async (): Promise<readonly number[]> => {
    const found = await systemProcesses({ namespace: `/run/netns/${bed.client.name}` }).find('wireguard-go', live());
    return found._unsafeUnwrap().map(({ pid }) => pid);
  };
  /** Whatever a tunnel could leave behind: in the kernel, and running. */
  async function stateOfClient(): Promise<string> {
    const rest = await bed.client.must(['nft', 'list', 'ruleset']);
    const resting = (): Promise<string> => mustRun(['ip', 'netns', 'pids', bed.client.name]);
    // A program whose interface has gone needs a moment to end.
    await waitFor(async () => (await resting()) === '', 5_000, 'the last program to end');
    return (await bed.snapshot('client')) + rest;
  }
});

const configOf = ({ iface }: WgTunnel): ConfigOf<'wireguard'> => ({
  type: 'wireguard',
  name: iface,
  iface,
  enabled: true,
  priority: 0,
  address: null,
  prefixLength: 64,
});

describe.skipIf(blocked !== null)(`the daemon with 6in4 and WireGuard${because}`, () => {
  let bed: Testbed;
  let tunnels: readonly WgTunnel[];
  let gatewayd: Gatewayd;
  let before: string;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 3 });
    tunnels = await serveWireguard(bed);
    await installConfs(bed, tunnels);
    before = await bed.snapshot('client');
    gatewayd = await Gatewayd.start(bed, configuration());
    await gatewayd.carriedBy('he');
  });
  afterAll(async () => {
    await gatewayd?.end();
    await bed.destroy();
    await forgetWireguard(bed, tunnels);
  });

  it('has all of them up, and says what carries each', async () => {
    await allAnswer();

    const { tunnels: seen } = await gatewayd.tunnels();
    expect(seen.map(({ name, state, carrier }) => [name, state, carrier])).toEqual([
      ['he', 'up', 'userspace 6in4 (socat)'],
      ['wg', 'up', 'wireguard-go'],
      ['mv', 'up', 'wireguard-go'],
    ]);
    expect(await bed.client.must(['ip', '-4', 'route', 'show', 'default'])).toMatch(
      /^default via 192\.0\.2\.1 dev wan0/,
    );
  });

  it('fails over from 6in4 to WireGuard, and back', async () => {
    await bed.cut('popA');
    await gatewayd.carriedBy('wg', 5_000);
    await bed.client.must(['ping', '-6', '-n', '-c', '1', '-W', '2', TARGETS[0]]);
    expect(await deviceTo(TARGETS[0])).toBe(wg().iface);

    await bed.restore('popA');
    // What it lost in its first seconds counts until enough good ones outweigh it.
    await gatewayd.carriedBy('he', 60_000);
    expect(await deviceTo(TARGETS[0])).not.toBe(wg().iface);
  });

  it('moves on when a WireGuard endpoint stops answering: at first softly, then for good', async () => {
    await bed.cut('popA');
    await gatewayd.carriedBy('wg', 5_000);

    const stages = new Set<string>();
    await silence(bed, wg());
    await waitFor(
      async () => {
        const liveness = await livenessOf('wg');
        stages.add(liveness);
        return liveness === 'hard_down';
      },
      10_000,
      'wg to be called unreachable',
    );
    await gatewayd.carriedBy('mv', 2_000);
    expect([...stages]).toContain('soft_down');
    expect(gatewayd.process.output).toMatch(/Failing over from wg to mv/);
    expect((await gatewayd.tunnels()).tunnels.find(({ name }) => name === 'wg')?.state).toBe('up');

    await unsilence(bed, wg());
    await waitFor(async () => (await livenessOf('wg')) === 'alive', 30_000, 'wg to answer again');
    await bed.restore('popA');
    await gatewayd.carriedBy('he', 30_000);
  });

  it('never let a packet leave by the wrong tunnel', async () => {
    const arrived = await Promise.all(tunnels.map((each) => arrivedAt(bed, each)));

    expect(arrived.map(({ foreign }) => foreign)).toEqual([0, 0, 0]);
    expect(await bed.foreignPackets('popA')).toBe(0);
  });

  it('shows no key, however much it says', async () => {
    for (const { conf } of tunnels) {
      for (const [, key = ''] of conf.matchAll(/Key = (\S+)/g)) expect(gatewayd.process.output).not.toContain(key);
    }
  });

  it('leaves the host as it was after SIGTERM', async () => {
    expect(await gatewayd.end()).toBe(0);

    await waitFor(async () => (await mustRun(['ip', 'netns', 'pids', bed.client.name])) === '', 5_000, 'all to end');
    expect(await bed.snapshot('client')).toBe(before);
    for (const { iface } of tunnels) expect(existsSync(`/run/v6-gatewayd/wireguard/${iface}.conf`)).toBe(false);
  });

  const wg = (): WgTunnel => tunnels[1] as WgTunnel;
  const livenessOf = async (name: string): Promise<string> =>
    (await gatewayd.tunnels()).tunnels.find((each) => each.name === name)?.liveness ?? 'unknown';
  const allAnswer = (): Promise<boolean> =>
    waitFor(async () => (await gatewayd.tunnels()).tunnels.every((t) => t.reachable), 10_000, 'all to answer');
  const deviceTo = async (target: string): Promise<string | undefined> =>
    / dev (\S+)/.exec(await bed.client.must(['ip', '-6', 'route', 'get', target]))?.[1];

  function configuration(): string {
    const { v4, tunnel } = bed.pop('popA');
    const sections = [
      `[health]\ntargets = ${TARGETS.join(', ')}`,
      '[failover]\nfailback_after = 2s',
      `[tunnel.he]\ntype = he_6in4\niface = he-a\nendpoint_ipv4 = ${v4}\nv6_prefix = ${tunnel.client}/64\npriority = 0`,
      `[tunnel.wg]\ntype = wireguard\niface = ${wg().iface}\npriority = 1`,
      // The seed's section: the address is not the interface's own.
      `[tunnel.mv]\ntype = mullvad\niface = ${tunnels[2]?.iface}\nv6_prefix = fc00:bbbb:bbbb:bb01::1\npriority = 2`,
    ];
    return `${sections.join('\n\n')}\n`;
  }
});
