import { describeDriverError } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { driversOn, HE_TUNNEL } from './he-6in4.test-support.js';
import { FakeHost } from './testing/fake-host.js';
import type { FakeLink } from './testing/fake-kernel.js';

const tunnel = HE_TUNNEL;
const live = (): AbortSignal => new AbortController().signal;
const driverOn = (host: FakeHost) => driversOn(host).he_6in4;

/** A host on which somebody made `he0` by hand, as tunnel brokers tell people to. */
function hostWithTheirs(differs: Partial<FakeLink> = {}): FakeHost {
  const host = new FakeHost();
  const made = { kind: 'sit', up: true, mtu: 1400, remote: '203.0.113.1', local: '192.0.2.10' };
  host.kernel.addLink('he0', { ...made, ...differs });
  return host;
}

describe('a 6in4 interface that somebody else has made', () => {
  it('is used as it is, and stays when the tunnel goes down', async () => {
    const host = hostWithTheirs();
    const before = `${host}`;

    const reading = (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

    expect(reading).toMatchObject({ link: 'up', address: '2001:db8:1::2', mtu: 1400 });
    expect(host.kernel.links.get('he0')).toMatchObject({ alias: '', mtu: 1400 });
    // Also when the process that gave it the address has crashed.
    (await driverOn(host).down(tunnel, live()))._unsafeUnwrap();
    expect(`${host}`).toBe(before);
  });

  it('keeps the address it had before', async () => {
    const host = hostWithTheirs({ addresses: new Map([['2001:db8:1::2/64', []]]) });
    const before = `${host}`;
    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

    (await driverOn(host).down(tunnel, live()))._unsafeUnwrap();

    expect(`${host}`).toBe(before);
  });

  it.each([
    ['goes elsewhere', { remote: '203.0.113.7' }, {}, 'sit interface from 192.0.2.10 to 203.0.113.7'],
    ['comes from elsewhere', {}, { local: '192.0.2.99' }, 'sit interface from 192.0.2.10 to 203.0.113.1'],
    ['is down', { up: false }, {}, 'sit interface that is down'],
    ['has another MTU than configured', {}, { mtu: 1300 }, 'sit interface with MTU 1400'],
  ])('is refused, not changed, when it %s', async (_which, differs, wanted, found) => {
    const host = hostWithTheirs(differs);
    const before = `${host}`;
    const want = { ...tunnel, ...wanted };

    expect((await driverOn(host).up(want, live()))._unsafeUnwrapErr()).toEqual({
      kind: 'interface_taken',
      iface: 'he0',
      found,
    });
    (await driverOn(host).down(want, live()))._unsafeUnwrap();
    expect(`${host}`).toBe(before);
    expect(host.changes).toBe(0);
  });

  it('fits from whatever address, where none is configured', async () => {
    for (const local of ['any', '192.0.2.55']) {
      const host = hostWithTheirs({ local });

      expect((await driverOn(host).up(tunnel, live())).isOk()).toBe(true);
      expect(host.kernel.links.get('he0')?.local).toBe(local);
    }
  });

  it('is refused as often as it is asked for, when it is a TUN interface that no process of ours carries', async () => {
    const host = new FakeHost();
    host.kernel.addLink('he0', { kind: 'tun', up: true });
    const driver = driverOn(host);

    for (const _twice of [1, 2]) {
      expect((await driver.up(tunnel, live()))._unsafeUnwrapErr()).toMatchObject({ kind: 'interface_taken' });
    }
    expect(host.changes).toBe(0);
  });

  it('is no tunnel while it is of another kind', async () => {
    const host = new FakeHost();
    host.kernel.addLink('he0', { kind: 'veth', up: true });

    expect((await driverOn(host).inspect(tunnel, live()))._unsafeUnwrap().link).toBe('absent');
  });
});

describe('a 6in4 interface of ours after a crash', () => {
  it('is known also when the crash came before the mark', async () => {
    const before = `${new FakeHost()}`;
    const host = hostWithTheirs({ group: '206206', up: false });

    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

    expect(host.kernel.links.get('he0')).toMatchObject({ alias: 'v6-gatewayd', group: 'default', mtu: 1480, up: true });
    (await driverOn(host).down(tunnel, live()))._unsafeUnwrap();
    expect(`${host}`).toBe(before);
  });
});

describe('repair of a 6in4 tunnel', () => {
  const raised = async (host: FakeHost): Promise<string> => {
    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();
    return `${host}`;
  };
  const repaired = async (host: FakeHost): Promise<readonly string[]> =>
    (await driverOn(host).repair?.(tunnel, live()))?._unsafeUnwrap() ?? ['there is no repair'];

  it('restores ends, MTU and address length of its own interface', async () => {
    const host = new FakeHost();
    const goal = await raised(host);
    const link = host.kernel.links.get('he0');
    Object.assign(link ?? {}, { remote: '203.0.113.9', mtu: 1300 });
    link?.addresses.clear();
    link?.addresses.set('2001:db8:1::2/128', []);

    expect(await repaired(host)).toEqual([
      'he0 from 192.0.2.10 to 203.0.113.1',
      'MTU 1480 of he0',
      'address 2001:db8:1::2/64 on he0',
    ]);

    expect(`${host}`).toBe(goal);
  });

  it('follows a change of our own IPv4 address in place', async () => {
    const host = new FakeHost();
    (await driverOn(host).up({ ...tunnel, local: '192.0.2.77' }, live()))._unsafeUnwrap();

    expect(await repaired(host)).toEqual(['he0 from 192.0.2.10 to 203.0.113.1']);
  });

  it('restores what an interface made anew under the same name has lost', async () => {
    const host = new FakeHost();
    await raised(host);
    host.kernel.removeLink('he0');
    host.kernel.addLink('he0', { kind: 'sit', up: true, mtu: 1400, remote: '203.0.113.1', local: 'any' });

    expect(await repaired(host)).toEqual([
      'address 2001:db8:1::2/64 on he0',
      'route to 2001:db8:1::2/64 in table 900',
      'route to default in table 900',
    ]);
    expect(host.kernel.links.get('he0'), 'it is theirs').toMatchObject({ alias: '', mtu: 1400, local: 'any' });
  });

  it('gives a process that has to be replaced its routes again in the same go', async () => {
    const host = new FakeHost({ sit: false });
    (await driverOn(host).up({ ...tunnel, local: '192.0.2.77' }, live()))._unsafeUnwrap();

    expect(await repaired(host)).toContain('he0 from 192.0.2.10 to 203.0.113.1');

    expect(`${host}`).toBe(await raised(new FakeHost({ sit: false })));
  });

  it('leads nothing through an interface of somebody else that does not fit', async () => {
    const host = new FakeHost();
    await raised(host);
    host.kernel.removeLink('he0');
    host.kernel.addLink('he0', { kind: 'sit', up: true, remote: '203.0.113.9', local: 'any' });
    const before = `${host}`;

    const result = await driverOn(host).repair?.(tunnel, live());

    expect(result?._unsafeUnwrapErr()).toMatchObject({ kind: 'interface_taken' });
    expect(`${host}`).toBe(before);
  });

  it('has nothing to do with an interface that is down or gone', async () => {
    const host = new FakeHost();
    await raised(host);
    const link = host.kernel.links.get('he0');
    if (link !== undefined) host.kernel.setUp('he0', link, false);
    const changes = host.changes;

    expect(await repaired(host)).toEqual([]);
    host.kernel.removeLink('he0');
    expect(await repaired(host)).toEqual([]);

    expect(host.changes).toBe(changes);
  });
});

describe('a host without IPv6', () => {
  it.each([
    [['all', 'default'], 'net.ipv6.conf.all.disable_ipv6'],
    [['default'], 'net.ipv6.conf.default.disable_ipv6'],
  ])('is told by name: %j', async (where, setting) => {
    const host = new FakeHost();
    for (const each of where) host.noIpv6On.add(each);

    const error = (await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toContain(`set ${setting} to 0`);
    expect(host.kernel.links.has('he0'), 'nothing is left').toBe(false);
  });

  it('is told by interface, where only that one is shut off', async () => {
    const host = hostWithTheirs();
    host.noIpv6On.add('he0');

    const error = (await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toContain('set net.ipv6.conf.he0.disable_ipv6 to 0');
  });

  it('is told from a kernel that has none', async () => {
    const error = (await driverOn(new FakeHost({ ipv6: false })).up(tunnel, live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toBe('this kernel has no IPv6, or was started with "ipv6.disable=1"');
  });

  it('leaves every other failure its own words', async () => {
    const host = new FakeHost();
    host.failNth(3, 'before');

    expect((await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr().kind).toBe('command_failed');
  });
});
