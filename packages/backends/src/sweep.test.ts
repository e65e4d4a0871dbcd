import { type ConfigOf, ROUTING_DEFAULTS, type TunnelConfig } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { spawnedBatch } from './ip-batch.js';
import { linuxDrivers } from './linux-host.js';
import { pingArgv } from './ping-argv.js';
import { linuxRouteTable } from './route-table.js';
import { sweepHost } from './sweep.js';
import { addBystanders } from './testing/bystanders.js';
import { FakeHost, type FakeHostOptions } from './testing/fake-host.js';
import { fakeConf } from './testing/fake-wireguard.js';

const live = (): AbortSignal => new AbortController().signal;

const base = { enabled: true, priority: 0, prefixLength: 64 };
const he = (index: number): ConfigOf<'he_6in4'> => ({
  ...base,
  type: 'he_6in4',
  name: `he${index}`,
  iface: `he${index}`,
  address: `2001:db8:${index}::2`,
  endpoint: `203.0.113.${index}`,
  local: null,
  mtu: null,
});
const wg: ConfigOf<'wireguard'> = { ...base, type: 'wireguard', name: 'wg0', iface: 'wg0', address: null };
const lan: ConfigOf<'external'> = {
  ...base,
  type: 'external',
  name: 'lan',
  iface: 'lan0',
  address: null,
  gateway: null,
};

/** As a process would be right after its start; it remembers nothing of the one before. */
const driversOn = (host: FakeHost) =>
  linuxDrivers({ routing: ROUTING_DEFAULTS, runner: host, processes: host, wireguardFiles: host.wireguardFiles });
const swept = async (host: FakeHost, tunnels: readonly TunnelConfig[]): Promise<readonly string[]> => {
  const result = await sweepHost({ runner: host, processes: host, drivers: driversOn(host) }, tunnels, live());
  expect(host.surprises).toEqual([]);
  return result._unsafeUnwrap();
};

async function hostAfterCrash(options: FakeHostOptions, ...tunnels: TunnelConfig[]): Promise<FakeHost> {
  const host = new FakeHost({ wireguard: { wg0: fakeConf(['2001:db8:9::2/128']) }, ...options });
  host.kernel.addLink('lan0', { up: true, addresses: new Map([['2001:db8:77::5/64', []]]) });
  const drivers = driversOn(host);
  for (const tunnel of tunnels) {
    const driver = drivers[tunnel.type] as {
      up(tunnel: TunnelConfig, signal: AbortSignal): ReturnType<typeof drivers.he_6in4.up>;
    };
    (await driver.up(tunnel, live()))._unsafeUnwrap();
  }
  const hops = tunnels.map(({ iface }) => ({ iface, source: null, gateway: null }));
  const routes = linuxRouteTable({ runner: host, batch: spawnedBatch(host), metric: 2_048 });
  (await routes.apply({ via: hops[0] ?? null, standbys: hops.slice(1) }, live()))._unsafeUnwrap();
  return host;
}

describe('sweeping after a crash', () => {
  it.each([
    ['sit', {}],
    ['a process', { sit: false, wireguardModule: false }],
  ])('changes nothing while every tunnel is still configured, carried by %s', async (_how, options) => {
    const tunnels = [he(1), he(2), wg, lan];
    const host = await hostAfterCrash(options, ...tunnels);
    const changes = host.changes;

    expect(await swept(host, tunnels)).toEqual([]);

    expect(host.changes).toBe(changes);
  });

  it.each([
    ['sit', {}],
    ['a process', { sit: false, wireguardModule: false }],
  ])('removes what no tunnel accounts for, and leaves the others in peace, carried by %s', async (_how, options) => {
    const all = [he(1), he(2), wg, lan];
    for (const gone of all) {
      const kept = all.filter((each) => each !== gone);
      const host = await hostAfterCrash(options, ...all);
      const before = `${host}`.split('\n');

      const phrases = await swept(host, kept);

      expect(phrases.length).toBeGreaterThan(0);
      const isOfGone = (line: string): boolean =>
        line.includes(gone.iface) && !(gone.type === 'external' && line.startsWith('link'));
      const left = `${host}`.split('\n');
      expect(left.filter(isOfGone)).toEqual([]);
      for (const { iface } of kept) {
        const of = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.includes(iface));
        expect(of(left), `${iface} after ${gone.iface} went`).toEqual(of(before));
      }
      expect(await swept(host, kept), 'nothing is left for a second time').toEqual([]);
    }
  });

  it('takes an interface whose process has ended a moment ago for whose it is', async () => {
    const host = await hostAfterCrash({ sit: false }, he(1), he(2));
    host.running.clear();
    const changes = host.changes;

    expect(await swept(host, [he(1), he(2)])).toEqual([]);

    expect(host.changes, 'rules that hold packets of a tunnel stay').toBe(changes);
    expect(await swept(host, [he(2)])).toContain('interface he1');
  });

  it('gives the whole host back when nothing is configured any more', async () => {
    const before = `${await hostAfterCrash({})}`;
    const host = await hostAfterCrash({}, he(1), he(2), wg, lan);

    await swept(host, []);

    expect(`${host}`).toBe(before);
  });

  it('takes a tunnel that is switched off for one that is not there', async () => {
    const host = await hostAfterCrash({}, he(1));

    await swept(host, [{ ...he(1), enabled: false }]);

    expect(host.kernel.links.has('he1')).toBe(false);
  });

  it('removes an interface whose name has become a tunnel of another type', async () => {
    const host = await hostAfterCrash({}, he(1));

    expect(await swept(host, [{ ...wg, iface: 'he1' }])).toContain('interface he1');

    expect(host.kernel.links.has('he1')).toBe(false);
  });

  it('finds what was made a moment before the crash, unnamed', async () => {
    const host = new FakeHost();
    host.kernel.addLink('he1', { kind: 'sit', remote: '203.0.113.1', group: '206206' });

    expect(await swept(host, [])).toEqual(['interface he1']);

    expect(host.kernel.links.has('he1')).toBe(false);
  });

  it('ends a process that has not made its interface yet', async () => {
    const host = await hostAfterCrash({ sit: false }, he(1));
    host.kernel.removeLink('he1');

    expect(await swept(host, [])).toContain('interface he1');

    expect(host.running.size).toBe(0);
  });

  it('ends pings whose gateway was killed before anything else, and nobody else’s', async () => {
    const host = await hostAfterCrash({}, he(1));
    const plan = { iface: 'he1', source: '2001:db8:1::2', targets: [], packetSize: null, interval: 500, rtt: null };
    const argv = pingArgv({ ...plan, deadline: { min: 150, max: 1_000 } }, '2001:db8:ffff::1', 500);
    const theirs = argv.filter((word, i) => word !== '-p' && argv[i - 1] !== '-p');
    host.running.set(501, argv).set(502, argv).set(503, theirs);
    host.parents.set(501, 1).set(502, process.pid);
    host.log.length = 0;

    await swept(host, []);

    expect([...host.running.keys()]).toEqual([502, 503]);
    expect(host.log.slice(0, 2)).toEqual([
      ['find', 'ping'],
      ['end', ...argv],
    ]);
  });

  it('clears tables whose interface is gone, also those that lost the rule which names it', async () => {
    const host = await hostAfterCrash({}, he(1), he(2));
    host.kernel.removeLink('he1');
    const oif = host.kernel.rules.find((rule) => rule.oif === 'he1');
    if (oif !== undefined) host.kernel.removeRule(oif);

    expect(await swept(host, [he(2)])).toEqual(['rules and routes of table 900']);

    expect(host.kernel.routes.filter((route) => route.table === 900)).toEqual([]);
    expect(host.kernel.rules.filter((rule) => rule.table === 900)).toEqual([]);
  });

  it('touches nothing that only looks like ours', async () => {
    const host = new FakeHost();
    addBystanders(host, ROUTING_DEFAULTS);
    host.kernel.addLink('he1', { kind: 'sit', up: true, remote: '203.0.113.1', alias: 'uplink to v6-gatewayd' });
    host.running.set(1, ['socat', 'TUN,tun-name=he3,tun-type=tun,iff-no-pi,iff-up', 'STDIO']);
    const before = `${host}`.split('\n').filter((line) => !/ he9 .*206|oif he9/.test(line) && !/dev he9/.test(line));

    await swept(host, []);

    expect(`${host}`.split('\n')).toEqual(before);
  });

  it('goes on when one thing resists, and says what resisted', async () => {
    const clean = await hostAfterCrash({}, he(1), he(2));
    const start = clean.log.length;
    await swept(clean, []);
    const nth = clean.log.slice(start).findIndex((argv) => argv.join(' ') === 'ip link del dev he1');
    const host = await hostAfterCrash({}, he(1), he(2));
    host.failNth(nth, 'before');

    const result = await sweepHost({ runner: host, processes: host, drivers: driversOn(host) }, [], live());

    expect(result._unsafeUnwrapErr()).toMatchObject({ argv: ['ip', 'link', 'del', 'dev', 'he1'] });
    expect(host.kernel.links.has('he2')).toBe(false);
    await swept(host, []);
    expect(host.kernel.links.has('he1')).toBe(false);
  });
});
