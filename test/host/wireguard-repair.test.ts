import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROTOCOL, systemWgFiles } from '@hurricane/backends';
import type { ConfigOf } from '@hurricane/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Running } from '../support/command.js';
import { Gatewayd } from '../support/gatewayd.js';
import { Losses } from '../support/losses.js';
import { type ProductIn, productIn } from '../support/product-in.js';
import { requireHost } from '../support/require-host.js';
import { spread } from '../support/spread.js';
import { Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';
import { forgetWireguard, installConfs, serveWireguard, type WgTunnel } from '../support/wireguard.js';

const tools = ['ip', 'nft', 'ping', 'socat', 'curl', 'wg', 'wg-quick', 'wireguard-go'];
const blocked = requireHost({ root: true, tun: true, tools });
const because = blocked === null ? '' : ` (skipped: ${blocked})`;

const live = (): AbortSignal => new AbortController().signal;

/** Two of its networks are behind the peer, and no more. */
const NARROW = 'AllowedIPs = 10.9.0.0/16, 2001:db8:ffff::/48';

const configOf = ({ iface }: WgTunnel): ConfigOf<'wireguard'> => ({
  ...{ type: 'wireguard', name: iface, iface, enabled: true, priority: 0 },
  ...{ address: null, prefixLength: 64 },
});

let bed: Testbed;
let tunnels: readonly WgTunnel[];

const ip = (...argv: readonly string[]): Promise<string> => bed.client.must(['ip', ...argv]);
const [ours, theirs] = [(): WgTunnel => tunnels[0] as WgTunnel, (): WgTunnel => tunnels[1] as WgTunnel];

/** What the client is like. `nodad` makes no difference where there is nobody to ask whether an address is free. */
const present = async (): Promise<string> => (await bed.snapshot('client')).replaceAll('"nodad":true,', '');

/** What must not change: the interface's number, its keys and peers, and when keys were last agreed on. */
async function identityOf({ iface }: WgTunnel): Promise<string> {
  const index = /^(\d+):/.exec(await ip('-o', 'link', 'show', 'dev', iface))?.[1];
  const shown = (await bed.client.must(['wg', 'show', iface, 'dump'])).split('\n').map((line) => line.split('\t'));
  // Without its secret key; of a peer without bytes received and sent.
  const lines = shown.map((cells) => (cells.length > 4 ? cells.slice(0, 5) : cells.slice(1)).join(' '));
  return [`index ${index}`, ...lines].join('\n');
}

/** The `ip` command that takes away each rule, route and address of a tunnel. */
async function theftsFrom({ iface }: WgTunnel): Promise<readonly string[]> {
  const lines = async (...argv: readonly string[]): Promise<readonly string[]> =>
    (await ip(...argv)).split('\n').filter((line) => line.trim() !== '');
  const rules = (await lines('-6', 'rule', 'show')).filter((line) => line.endsWith(`proto ${PROTOCOL}`));
  const routes = await lines('-6', 'route', 'show', 'table', 'all', 'proto', `${PROTOCOL}`);
  const networks = (flag: string) => lines(flag, 'route', 'show', 'dev', iface, 'proto', 'boot');
  const addresses = (await lines('-o', 'addr', 'show', 'dev', iface, 'scope', 'global')).map(
    (line) => /(inet6?) (\S+)/.exec(line)?.[2] ?? '',
  );
  const route = (line: string): string => line.trim().replace(/ (error -?\d+|pref \w+|scope \w+)/g, '');
  return [
    ...rules.map((line) => `-6 rule del pref ${line.replace(':\t', ' ')}`),
    ...routes.map((line) => `-6 route del ${route(line)}`),
    ...(await networks('-4')).map((line) => `-4 route del ${route(line)} dev ${iface}`),
    ...(await networks('-6')).map((line) => `-6 route del ${route(line)} dev ${iface}`),
    ...addresses.map((address) => `addr del ${address} dev ${iface}`),
  ];
}

/** All of it in one go. Some of it may have gone with the rest by the time its turn comes. */
async function takeAll(thefts: readonly string[]): Promise<void> {
  for (const flag of ['-6', '-4']) {
    const lines = thefts.filter((line) => line.startsWith(flag)).map((line) => `${line.slice(flag.length)}\n`);
    await bed.client.exec(['ip', flag, '-force', '-batch', '-'], { input: lines.join('') });
  }
  for (const line of thefts.filter((each) => each.startsWith('addr'))) await ip(...line.split(' '));
}

describe.skipIf(blocked !== null)(`repair of a WireGuard tunnel, on a real kernel${because}`, () => {
  let folder: string;
  let product: ProductIn;
  let flow: Running;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2 });
    tunnels = await serveWireguard(bed);
  });
  afterAll(async () => {
    await bed?.destroy();
    await forgetWireguard(bed, tunnels);
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wireguard-'));
    for (const { iface, conf } of tunnels) await writeFile(join(folder, `${iface}.conf`), conf, { mode: 0o600 });
    product = productIn(bed.client.name, { wireguardFiles: systemWgFiles({ folder, copies: join(folder, 'copies') }) });
  });
  afterEach(async () => {
    await flow?.stop();
    for (const each of tunnels) (await product.drivers.wireguard.down(configOf(each), live()))._unsafeUnwrap();
    await product.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Up, with packets going to and fro all the time. Resolves to what the host is like then. */
  const raise = async (): Promise<string> => {
    (await product.drivers.wireguard.up(configOf(ours()), live()))._unsafeUnwrap();
    flow = bed.client.spawn(['ping', '-6', '-n', '-i', '0.05', '-I', ours().address, TARGETS[0]]);
    await flow.says(/icmp_seq=\d+ .*time=/);
    return present();
  };
  const repair = async (): Promise<readonly string[]> =>
    (await product.drivers.wireguard.repair?.(configOf(ours()), live()))?._unsafeUnwrap() ?? ['no repair'];
  /** An answer to a packet that is sent from now on. */
  const answered = async (): Promise<void> => {
    const sent = (): number =>
      Math.max(...[...flow.output.matchAll(/icmp_seq=(\d+) .*time=/g)].map((m) => Number(m[1])));
    const before = sent();
    // Two more: the first may have been on its way.
    await waitFor(() => sent() >= before + 2, 5_000, 'the flow to go on');
  };

  it.each([
    ['a full tunnel', (conf: string) => conf, 2 + 2 + 2],
    ['a tunnel to two networks', (conf: string) => conf.replace(/^AllowedIPs.*$/m, NARROW), 2 + 2 + 2 + 2],
  ])('puts back each rule, route and address of %s, says which, and interrupts nothing', async (_kind, edit, count) => {
    await writeFile(join(folder, `${ours().iface}.conf`), edit(ours().conf));
    const goal = await raise();
    const [thefts, identity] = [await theftsFrom(ours()), await identityOf(ours())];
    expect(thefts).toHaveLength(count);
    const took: number[] = [];

    for (const theft of thefts) {
      await ip(...theft.split(' '));
      expect(await present(), theft).not.toBe(goal);

      const since = performance.now();
      const phrases = await repair();
      took.push(performance.now() - since);

      expect(await present(), theft).toBe(goal);
      expect(phrases.length, `${theft}: ${phrases}`).toBeGreaterThan(0);
      const word = /(rule|route|addr)/.exec(theft)?.[1] ?? '';
      expect(phrases.join(), theft).toContain(word);
      await answered();
    }

    expect(await repair(), 'nothing is left to do').toEqual([]);
    expect(await identityOf(ours())).toBe(identity);
    expect(flow.ended).toBe(false);
    console.log(`repair of a WireGuard tunnel, one thing missing: ${spread(took)}`);
  });

  it('puts back all of it after a flush, as a restart of systemd-networkd does it', async () => {
    await writeFile(join(folder, `${ours().iface}.conf`), ours().conf.replace(/^AllowedIPs.*$/m, NARROW));
    const goal = await raise();
    const [thefts, identity] = [await theftsFrom(ours()), await identityOf(ours())];

    for (let rounds = 0; rounds < 5; rounds += 1) {
      await takeAll(thefts);

      const phrases = await repair();

      expect(phrases, phrases.join('\n')).toHaveLength(thefts.length);
      expect(await present()).toBe(goal);
      await answered();
    }
    expect(await identityOf(ours())).toBe(identity);
    expect(flow.ended).toBe(false);
  });

  it('goes ahead of the rules of another wg-quick, touches nothing of it, and comes back', async () => {
    const goal = await raise();
    const identity = await identityOf(ours());
    const file = join(folder, `${theirs().iface}.conf`);
    const conf = theirs()
      .conf.replace(/^DNS.*\n/m, '')
      .replace(/^AllowedIPs.*$/m, 'AllowedIPs = ::/0');
    await writeFile(file, conf);
    await bed.client.must(['wg-quick', 'up', file]);
    const way = async (): Promise<string | undefined> =>
      / dev (\S+)/.exec(await ip('-6', 'route', 'get', TARGETS[0], 'from', ours().address))?.[1];
    expect(await way(), 'their rules take our packets').toBe(theirs().iface);
    const rules = (await ip('-6', 'rule', 'show')).split('\n').filter((line) => /51820|suppress/.test(line));
    expect(rules).toHaveLength(2);

    expect(await repair()).toEqual([
      expect.stringMatching(/^rules of \S+ at preference \d+, ahead of somebody else's/),
    ]);

    expect(await way()).toBe(ours().iface);
    for (const rule of rules) expect(await ip('-6', 'rule', 'show')).toContain(rule);
    await answered();
    expect(await repair(), 'once is enough').toEqual([]);

    await bed.client.must(['wg-quick', 'down', file]);
    expect(await repair()).toEqual([expect.stringMatching(/^rules of \S+ at preference \d+ again$/)]);
    expect(await present()).toBe(goal);
    await answered();
    expect(await identityOf(ours())).toBe(identity);
  });

  it('leaves raising to whoever decides on it, when the interface is down or gone', async () => {
    await raise();
    await ip('link', 'set', 'dev', ours().iface, 'down');
    const down = await present();

    expect(await repair()).toEqual([]);

    expect(await present()).toBe(down);
    await ip('link', 'del', 'dev', ours().iface);
    const gone = await present();
    expect(await repair()).toEqual([]);
    expect(await present()).toBe(gone);
  });

  it('raises one that lost its addresses by giving them back, with the keys it has', async () => {
    const goal = await raise();
    const identity = await identityOf(ours());
    await ip('addr', 'flush', 'dev', ours().iface, 'scope', 'global');

    (await product.drivers.wireguard.up(configOf(ours()), live()))._unsafeUnwrap();

    expect(await present()).toBe(goal);
    await answered();
    expect(await identityOf(ours())).toBe(identity);
  });
});

describe.skipIf(blocked !== null)(`the daemon with two robbed WireGuard tunnels${because}`, () => {
  let gatewayd: Gatewayd;
  let losses: Losses;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2 });
    tunnels = await serveWireguard(bed);
    await installConfs(bed, tunnels);
    const types = ['wireguard', 'mullvad'];
    const sections = tunnels.map(
      ({ iface }, index) => `[tunnel.${types[index]}]\ntype = ${types[index]}\niface = ${iface}\npriority = ${index}\n`,
    );
    gatewayd = await Gatewayd.start(bed, [`[health]\ntargets = ${TARGETS.join(', ')}\n`, ...sections].join('\n'));
    await gatewayd.carriedBy('wireguard', 20_000);
    const defaults = (): Promise<string> => ip('-6', 'route', 'show', 'default', 'proto', `${PROTOCOL}`);
    await waitFor(async () => (await defaults()).trim().split('\n').length === 2, 20_000, 'a standby');
    losses = await Losses.watch(bed.client);
  });
  afterAll(async () => {
    await losses?.stop();
    await gatewayd?.end();
    await bed?.destroy();
    await forgetWireguard(bed, tunnels);
  });

  it('has all rules and routes back at once, the keys and the interfaces as they were', async () => {
    const [whole, identities] = [await present(), await Promise.all(tunnels.map(identityOf))];
    const took: number[] = [];

    for (let rounds = 0; rounds < 10; rounds += 1) {
      losses.forget();
      await bed.client.must(['ip', '-6', 'rule', 'flush', 'protocol', `${PROTOCOL}`]);
      took.push((await losses.mended(4, 10_000)).lasted);
      expect(await present()).toBe(whole);
    }

    expect(await Promise.all(tunnels.map(identityOf))).toEqual(identities);
    expect(gatewayd.process.output).toContain('Something else on this machine changed our routing; put back: ');
    expect((await gatewayd.health()).primary).toBe('wireguard');
    console.log(`two WireGuard tunnels robbed of their rules: ${spread(took)}`);
  });

  it('gives lost addresses back without new keys', async () => {
    const [addresses, identities] = [await addressesOf(), await Promise.all(tunnels.map(identityOf))];
    const rules = await show('-6', 'rule');

    for (const { iface } of tunnels) await ip('addr', 'flush', 'dev', iface, 'scope', 'global');

    await waitFor(async () => (await addressesOf()) === addresses, 30_000, 'the addresses');
    await waitFor(async () => (await show('-6', 'rule')) === rules, 30_000, 'the rules');
    await waitFor(async () => (await gatewayd.tunnels()).tunnels.every((t) => t.reachable), 30_000, 'both to answer');
    expect(await Promise.all(tunnels.map(identityOf))).toEqual(identities);
  });

  const show = (...argv: readonly string[]): Promise<string> => ip(...argv, 'show');
  const addressesOf = async (): Promise<string> => (await show('-o', 'addr')).replaceAll(' nodad', '');
});
