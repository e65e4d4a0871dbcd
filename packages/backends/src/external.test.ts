import { type ConfigOf, describeDriverError, ROUTING_DEFAULTS } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { linuxDrivers } from './linux-host.js';
import { FakeHost } from './testing/fake-host.js';

const tunnel: ConfigOf<'external'> = {
  type: 'external',
  name: 'lan',
  iface: 'lan0',
  enabled: true,
  priority: 0,
  address: null,
  prefixLength: 64,
  gateway: null,
};
const live = (): AbortSignal => new AbortController().signal;
const driverOn = (host: FakeHost) =>
  linuxDrivers({ routing: ROUTING_DEFAULTS, runner: host, processes: host }).external;
const hostWith = (addresses: Readonly<Record<string, readonly string[]>>, up = true): FakeHost => {
  const host = new FakeHost();
  host.kernel.addLink('lan0', { up, addresses: new Map(Object.entries(addresses)) });
  return host;
};
const theirDefault = { table: 254, type: null, destination: 'default', iface: 'lan0', source: null, protocol: 9 };

describe('an existing interface', () => {
  it('has to be there to be used', async () => {
    const error = (await driverOn(new FakeHost()).up(tunnel, live()))._unsafeUnwrapErr();

    expect(error).toEqual({ kind: 'interface_missing', iface: 'lan0' });
  });

  it('is not used while it is down, and says down rather than absent', async () => {
    const host = hostWith({ '2001:db8:7::2/64': [] }, false);

    expect((await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr()).toMatchObject({
      kind: 'misconfigured',
      problem: expect.stringContaining('which is down'),
    });
    expect((await driverOn(host).inspect(tunnel, live()))._unsafeUnwrap().link).toBe('down');
    expect(host.changes).toBe(0);
  });

  it.each([
    ['the configured address, where it has it', '2001:db8:7::3', '2001:db8:7::3'],
    ['a global one, where it has not', '2001:db8:9::1', '2001:db8:7::2'],
    ['a global one rather than a local one, where none is configured', null, '2001:db8:7::2'],
  ])('gives %s', async (_which, configured, expected) => {
    const host = hostWith({
      'fe80::2/64': [],
      'fd00::2/64': [],
      '2001:db8:7::9/64': ['tentative'],
      '2001:db8:7::8/64': ['deprecated'],
      '2001:db8:7::7/64': ['temporary'],
      '2001:db8:7::2/64': [],
      '2001:db8:7::3/64': [],
    });

    const reading = (await driverOn(host).up({ ...tunnel, address: configured }, live()))._unsafeUnwrap();

    expect(reading).toMatchObject({ address: expected, prefixLength: 64, carrier: 'existing interface' });
  });

  it('without a usable address is not used', async () => {
    const host = hostWith({ 'fe80::2/64': [], '2001:db8:7::9/64': ['tentative'] });

    expect((await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr()).toMatchObject({ kind: 'misconfigured' });
    expect(host.changes).toBe(0);
  });

  it('has the gateway of the best default route that somebody else has set on it', async () => {
    const host = hostWith({ '2001:db8:7::2/64': [] });
    host.kernel.replaceRoute({ ...theirDefault, gateway: 'fe80::9', metric: 2000 });
    host.kernel.replaceRoute({ ...theirDefault, gateway: 'fe80::1', metric: 1024, table: 77 });

    const found = (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();
    const told = (await driverOn(host).up({ ...tunnel, gateway: 'fe80::5' }, live()))._unsafeUnwrap();

    expect(found.gateway).toBe('fe80::1');
    expect(told.gateway).toBe('fe80::5');
    const table = host.kernel.routes.filter((route) => route.table === ROUTING_DEFAULTS.tableBase);
    expect(table.filter((route) => route.gateway !== null).map((route) => route.gateway)).toEqual(['fe80::5']);
  });

  it('is not repaired while it is down, even if it keeps its address then', async () => {
    const host = hostWith({ '2001:db8:7::2/64': [] });
    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();
    const link = host.kernel.links.get('lan0');
    Object.assign(link ?? {}, { up: false });
    host.kernel.routes.splice(0);
    const changes = host.changes;

    expect((await driverOn(host).repair?.(tunnel, live()))?._unsafeUnwrap()).toEqual([]);

    expect(host.changes).toBe(changes);
  });

  it('follows an address that has changed', async () => {
    const host = hostWith({ '2001:db8:7::2/64': [] });
    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();
    const link = host.kernel.links.get('lan0');
    link?.addresses.clear();
    link?.addresses.set('2001:db8:8::2/64', []);

    const restored = (await driverOn(host).repair?.(tunnel, live()))?._unsafeUnwrap();

    expect(restored).toContain('rule from 2001:db8:8::2/64');
    expect(`${host}`).not.toContain('from 2001:db8:7::2/64');
  });

  it('names the setting that forbids IPv6 on it', async () => {
    const host = hostWith({});
    host.noIpv6On.add('lan0');

    const error = (await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toContain('set net.ipv6.conf.lan0.disable_ipv6 to 0');
  });
});
