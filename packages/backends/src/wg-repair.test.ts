import { type ConfigOf, describeDriverError, ROUTING_DEFAULTS } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { linuxDrivers } from './linux-host.js';
import { FakeHost, type FakeHostOptions } from './testing/fake-host.js';
import { FAKE_PRIVATE_KEY, FAKE_PUBLIC_KEY, FAKE_SHARED_KEY, fakeConf } from './testing/fake-wireguard.js';

const live = (): AbortSignal => new AbortController().signal;

const tunnel: ConfigOf<'wireguard'> = {
  ...{ type: 'wireguard', name: 'wg', iface: 'wg0', enabled: true, priority: 0 },
  ...{ address: null, prefixLength: 64 },
};
const [FIRST, SECOND, FOURTH] = ['2001:db8:2::2/128', '2001:db8:2::3/128', '10.64.0.2/32'];
const NETWORKS = ['AllowedIPs = 10.7.0.9/16, 192.0.2.5, 2001:db8:9::/48'];

/** As a process has it that has just started. */
function driverOn(host: FakeHost) {
  const { wireguardFiles } = host;
  return linuxDrivers({ routing: ROUTING_DEFAULTS, runner: host, processes: host, wireguardFiles }).wireguard;
}

/** A tunnel that is up, and what the host was like then. */
async function raised(conf = fakeConf([FIRST, SECOND, FOURTH]), options: FakeHostOptions = {}) {
  const host = new FakeHost({ wireguard: { wg0: conf }, ...options });
  const driver = driverOn(host);
  (await driver.up(tunnel, live()))._unsafeUnwrap();
  const link = linkOf(host);
  const since = host.log.length;
  const repair = async (by = driver): Promise<readonly string[]> =>
    (await by.repair?.(tunnel, live()))?._unsafeUnwrap() ?? ['no repair'];
  return { host, driver, link, repair, whole: `${host}`, commands: () => host.log.slice(since) };
}

function linkOf(host: FakeHost) {
  const link = host.kernel.links.get('wg0');
  if (link === undefined) throw new Error('there is no wg0');
  return link;
}

/** All of ours, and everything on the interface, goes; the interface stays. */
function flush(host: FakeHost): void {
  for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
  host.kernel.routes.splice(0);
  linkOf(host).addresses.clear();
}

describe('the repair of a WireGuard tunnel', () => {
  it.each([
    ['in the kernel', true],
    ['in a process', false],
  ])('puts all back without touching interface, keys and peers, %s', async (_where, wireguardModule) => {
    const { host, link, repair, whole, commands } = await raised(undefined, { wireguardModule });
    const peers = host.wg.peers.get('wg0');
    flush(host);

    const phrases = await repair();

    expect(`${host}`).toBe(whole);
    expect(phrases).toEqual([
      ...[FIRST, SECOND, FOURTH].map((address) => `address ${address} on wg0`),
      ...['rule oif wg0', 'rule from 2001:db8:2::2/128'],
      ...['guard route of table 900', 'route to default in table 900'],
    ]);
    expect(linkOf(host)).toBe(link);
    expect(host.wg.peers.get('wg0')).toBe(peers);
    // A route that names it as its source would be refused until the kernel has found that nobody else has it.
    expect(link.addresses.get(FIRST)).toEqual(['nodad']);
    expect(commands().filter(([tool, ...args]) => tool !== 'ip' || args.includes('link'))).toEqual([]);
  });

  it('puts back the routes to the networks of a file that wants no more', async () => {
    const { host, repair, whole } = await raised(fakeConf([FIRST], [], NETWORKS));
    flush(host);

    expect(await repair()).toEqual(
      expect.arrayContaining([
        'route to 10.7.0.0/16 via wg0',
        'route to 192.0.2.5/32 via wg0',
        'route to 2001:db8:9::/48 via wg0',
      ]),
    );
    expect(`${host}`).toBe(whole);
    expect(await repair()).toEqual([]);
  });

  it('tells such a route from the one that comes with an address in the same network', async () => {
    const { host, repair, whole } = await raised(fakeConf([FIRST], [], NETWORKS));
    const ours = host.kernel.routes.find(({ destination }) => destination === '2001:db8:9::/48');
    if (ours === undefined) throw new Error('there is no such route');
    const theirs = { ...ours, metric: 256, protocol: 2 };
    host.kernel.removeRoute(ours);
    host.kernel.addRoute(theirs);

    expect(await repair()).toEqual(['route to 2001:db8:9::/48 via wg0']);

    host.kernel.removeRoute(theirs);
    expect(`${host}`).toBe(whole);
  });

  it('leaves a network to whoever has a route to it by now', async () => {
    const { host, repair } = await raised(fakeConf([FIRST], [], NETWORKS));
    host.kernel.addLink('lan0', { up: true });
    const ours = host.kernel.routes.find(({ destination }) => destination === '2001:db8:9::/48');
    if (ours === undefined) throw new Error('there is no such route');
    host.kernel.removeRoute(ours);
    host.kernel.addRoute({ ...ours, iface: 'lan0' });
    const before = `${host}`;

    expect(await repair()).toEqual([]);

    expect(`${host}`).toBe(before);
  });

  it('does not look at networks of a file that has decided on a table of its own', async () => {
    const { host, repair, commands } = await raised(fakeConf([FIRST], ['Table = 7'], NETWORKS));
    host.kernel.routes.splice(0, host.kernel.routes.length, ...host.kernel.routes.filter(({ table }) => table !== 254));

    expect(await repair()).toEqual([]);

    expect(commands().filter((argv) => argv.includes('dev') && argv.includes('route'))).toEqual([]);
  });

  it('gives an address its own prefix length again', async () => {
    const { link, repair } = await raised();
    link.addresses.delete(FIRST);
    link.addresses.set('2001:db8:2::2/64', []);

    expect(await repair()).toEqual([`address ${FIRST} on wg0`]);

    expect([...link.addresses.keys()].sort()).toEqual([FOURTH, FIRST, SECOND].sort());
  });

  it('keeps to the address that the file lists first, in whatever order they came back', async () => {
    const { host, driver, link, repair, whole } = await raised();
    link.addresses.delete(FIRST);

    expect(await repair()).toEqual([`address ${FIRST} on wg0`]);

    expect([...link.addresses.keys()][0]).toBe(SECOND);
    expect((await driver.inspect(tunnel, live()))._unsafeUnwrap().address).toBe('2001:db8:2::2');
    expect(`${host}`).toBe(whole);
  });

  it('remembers what the file gave, though somebody has changed or removed that since', async () => {
    for (const later of [fakeConf(['2001:db8:7::7/128']), null]) {
      const { host, repair, link, whole } = await raised();
      if (later === null) host.wg.confs.delete('wg0');
      else host.wg.confs.set('wg0', later);
      flush(host);

      expect(await repair()).toContain(`address ${FIRST} on wg0`);

      expect(`${host}`).toBe(whole);
      expect(linkOf(host)).toBe(link);
    }
  });

  it('knows no addresses after a restart of ours with another file, and puts back all else', async () => {
    const { host, link, repair } = await raised();
    host.wg.confs.set('wg0', fakeConf(['2001:db8:7::7/128']));
    link.addresses.delete(SECOND);
    const goal = `${host}`;
    for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);

    expect(await repair(driverOn(host))).toEqual(['rule oif wg0', 'rule from 2001:db8:2::2/128']);

    expect(`${host}`).toBe(goal);
    expect(linkOf(host)).toBe(link);
  });

  it('goes ahead of the rules of another wg-quick, and leaves them', async () => {
    const { host, repair } = await raised();
    const theirs = [
      { pref: 8_998, from: null, oif: null, table: 254, protocol: null, more: { suppress_prefixlen: 0 } },
      { pref: 8_999, from: null, oif: null, table: 51_820, protocol: null, more: { not: null, fwmark: '0xca6c' } },
    ];
    for (const rule of theirs) host.kernel.addRule(rule);

    expect(await repair()).toEqual([expect.stringMatching(/^rules of wg0 at preference 8997, ahead of/)]);

    expect(host.kernel.rules).toEqual(expect.arrayContaining(theirs));
    expect(await repair()).toEqual([]);
  });

  it.each([
    ['has gone', (host: FakeHost) => host.kernel.removeLink('wg0')],
    ['was taken down', (host: FakeHost) => host.kernel.setUp('wg0', linkOf(host), false)],
    ['is one of another kind', (host: FakeHost) => Object.assign(linkOf(host), { kind: 'veth' })],
    [
      'is a TUN interface that wg does not know',
      (host: FakeHost) => {
        Object.assign(linkOf(host), { kind: 'tun', alias: '' });
        host.wg.peers.delete('wg0');
      },
    ],
  ])('is none when the interface %s: that is for raising it', async (_what, spoil) => {
    const { host, repair } = await raised();
    for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
    host.kernel.routes.splice(0);
    spoil(host);
    const before = `${host}`;

    expect(await repair()).toEqual([]);

    expect(`${host}`).toBe(before);
  });

  it('says so when IPv6 was switched off on the interface, and puts back the rest as soon as it can', async () => {
    const { host, driver, repair, whole } = await raised();
    flush(host);
    host.noIpv6On.add('wg0');

    const refused = await driver.repair?.(tunnel, live());
    expect(refused === undefined ? '' : describeDriverError(refused._unsafeUnwrapErr())).toContain(
      'IPv6 is switched off on "wg0"',
    );
    host.noIpv6On.clear();
    await repair();

    expect(`${host}`).toBe(whole);
  });

  it('shows no key, whatever fails', async () => {
    const told: unknown[] = [];
    for (let nth = 0; nth < 16; nth += 1) {
      const { host, driver } = await raised(fakeConf([FIRST, FOURTH], [], NETWORKS));
      flush(host);
      host.failNth(nth, 'before');
      const result = await driver.repair?.(tunnel, live());
      told.push(result?.isErr() === true ? describeDriverError(result.error) : result, host.log);
    }

    const all = JSON.stringify(told, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
    expect(all).toContain('injected');
    for (const key of [FAKE_PRIVATE_KEY, FAKE_PUBLIC_KEY, FAKE_SHARED_KEY]) expect(all).not.toContain(key);
  });
});

describe('raising a WireGuard tunnel that is up but was robbed', () => {
  it.each([
    ['its only IPv6 address', fakeConf([FIRST]), [FIRST]],
    ['one of several addresses', fakeConf([FIRST, SECOND, FOURTH]), [FIRST]],
    ['its IPv4 address', fakeConf([FIRST, FOURTH]), [FOURTH]],
  ])('of %s gives it back, and interrupts nothing', async (_what, conf, lost) => {
    const { host, driver, link, whole } = await raised(conf);
    for (const address of lost) link.addresses.delete(address);

    const reading = (await driver.up(tunnel, live()))._unsafeUnwrap();

    expect(reading.address).toBe('2001:db8:2::2');
    expect(`${host}`).toBe(whole);
    expect(linkOf(host)).toBe(link);
  });

  it('of the routes to its networks does the same', async () => {
    const { host, driver, link, whole } = await raised(fakeConf([FIRST], [], NETWORKS));
    host.kernel.routes.splice(0);

    (await driver.up(tunnel, live()))._unsafeUnwrap();

    expect(`${host}`).toBe(whole);
    expect(linkOf(host)).toBe(link);
  });
});

describe('the repair of an interface that somebody else brought up', () => {
  it('is of our rules and routes only: addresses are theirs to put back', async () => {
    const host = new FakeHost();
    host.wg.bringUpByHand(host.kernel, 'wg0', [FIRST, SECOND]);
    const driver = driverOn(host);
    (await driver.up(tunnel, live()))._unsafeUnwrap();
    const [since, goal] = [host.log.length, `${host}`.replace(` ${SECOND}`, '')];
    for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
    linkOf(host).addresses.delete(SECOND);

    expect((await driver.repair?.(tunnel, live()))?._unsafeUnwrap()).toHaveLength(2);

    expect(`${host}`).toBe(goal);
    expect(host.log.slice(since).filter(([tool]) => tool !== 'ip')).toEqual([]);
  });
});
