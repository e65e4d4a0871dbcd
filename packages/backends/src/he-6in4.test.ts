import { describeDriverError } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { driversOn, HE_TUNNEL } from './he-6in4.test-support.js';
import { FakeHost } from './testing/fake-host.js';

const tunnel = HE_TUNNEL;
const live = (): AbortSignal => new AbortController().signal;
const driverOn = (host: FakeHost) => driversOn(host).he_6in4;
const namesIn = (host: FakeHost): string[] => host.log.map((argv) => argv.join(' '));

describe('a 6in4 tunnel in the kernel', () => {
  it('is made with both ends named, and nothing else than what the manual says', async () => {
    const host = new FakeHost();

    const reading = (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

    expect(reading).toEqual({
      link: 'up',
      address: '2001:db8:1::2',
      prefixLength: 64,
      gateway: null,
      mtu: 1480,
      counters: { rx: 5n, tx: 7n },
      carrier: 'kernel sit',
    });
    expect(namesIn(host).filter((line) => !/ (show|get) /.test(`${line} `))).toEqual([
      'ip link add name he0 group 206206 type sit remote 203.0.113.1 local 192.0.2.10 ttl 255',
      'ip link set dev he0 group 0 alias v6-gatewayd',
      // Before anybody can have the address, its packets have nowhere else to go.
      'ip -6 rule add pref 9001 oif he0 lookup 900 protocol 206',
      'ip -6 route replace unreachable default table 900 metric 4294967295 proto 206',
      'ip -6 rule add pref 9000 from 2001:db8:1::2/64 lookup 900 protocol 206',
      'ip -6 addr replace 2001:db8:1::2/64 dev he0 nodad',
      'ip link set dev he0 up',
      'ip -6 route replace 2001:db8:1::2/64 dev he0 table 900 metric 1024 proto 206',
      'ip -6 route replace default dev he0 table 900 metric 1024 proto 206',
    ]);
  });

  it('is only looked at when there is nothing to do', async () => {
    for (const sit of [true, false]) {
      const host = new FakeHost({ sit });
      (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();
      const before = host.log.length;

      (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

      // Also a change that changes nothing would be told to everybody who watches.
      for (const argv of host.log.slice(before)) expect(argv.join(' ')).toMatch(/ (show|get) |^find | show$/);
    }
  });

  it('takes any local address while there is no way to the endpoint', async () => {
    const host = new FakeHost({ underlay: null });

    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

    expect(host.kernel.links.get('he0')).toMatchObject({ local: 'any', remote: '203.0.113.1' });
  });

  it('keeps the local address it has when the way to the endpoint is gone for a while', async () => {
    const host = new FakeHost({ underlay: null });
    (await driverOn(host).up({ ...tunnel, local: '192.0.2.10' }, live()))._unsafeUnwrap();
    const changes = host.changes;

    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

    expect(host.changes).toBe(changes);
  });

  it.each([
    [1500, 1480],
    [1492, 1472],
    [1300, 1280],
    [1299, 1280],
    [9000, 1480],
  ])('over an underlay of %i bytes carries packets of %i', async (underlay, mtu) => {
    const host = new FakeHost();
    Object.assign(host.kernel.links.get('eth0') ?? {}, { mtu: underlay });

    expect((await driverOn(host).up(tunnel, live()))._unsafeUnwrap().mtu).toBe(mtu);
  });

  it('turns to another address in place: its routes and rules stay', async () => {
    const host = new FakeHost();
    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();
    const changes = host.changes;

    (await driverOn(host).up({ ...tunnel, local: '192.0.2.11' }, live()))._unsafeUnwrap();

    expect(host.changes).toBe(changes + 1);
    expect(host.log).toContainEqual(
      'ip link set dev he0 type sit remote 203.0.113.1 local 192.0.2.11 ttl 255'.split(' '),
    );
  });

  it('changes address, prefix length and rules when the configuration does', async () => {
    for (const change of [{ address: '2001:db8:5::2' }, { prefixLength: 128 }]) {
      const clean = new FakeHost();
      (await driverOn(clean).up({ ...tunnel, ...change }, live()))._unsafeUnwrap();
      const host = new FakeHost();
      (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

      (await driverOn(host).up({ ...tunnel, ...change }, live()))._unsafeUnwrap();

      const without = (text: string): string[] => text.split('\n').filter((line) => !line.startsWith('link he0'));
      expect(without(`${host}`)).toEqual(without(`${clean}`));
    }
  });

  it('leaves what an earlier run made as it found it when it cannot finish', async () => {
    const earlier = { kind: 'sit', remote: '203.0.113.7', local: 'any', mtu: 1400, alias: 'v6-gatewayd' };
    const hostAfterCrash = (): FakeHost => {
      const host = new FakeHost();
      host.kernel.addLink('he0', earlier);
      return host;
    };
    const before = `${hostAfterCrash()}`;
    const clean = hostAfterCrash();
    (await driverOn(clean).up(tunnel, live()))._unsafeUnwrap();
    expect(clean.kernel.links.get('he0')).toMatchObject({ remote: '203.0.113.1', local: '192.0.2.10', up: true });

    // The last command only looks: all is done by then.
    for (let nth = 0; nth < clean.log.length - 1; nth += 1) {
      const host = hostAfterCrash();
      host.failNth(nth, 'after');
      const result = await driverOn(host).up(tunnel, live());
      if (result.isErr()) expect(`${host}`, `${host.log[nth]?.join(' ')} failed`).toBe(before);
    }
  });

  it('takes back what it made when a step fails', async () => {
    const before = `${new FakeHost()}`;
    const clean = new FakeHost();
    (await driverOn(clean).up(tunnel, live()))._unsafeUnwrap();

    for (let nth = 0; nth < clean.log.length - 1; nth += 1) {
      for (const moment of ['before', 'after'] as const) {
        const host = new FakeHost();
        host.failNth(nth, moment);
        const result = await driverOn(host).up(tunnel, live());
        if (result.isErr()) expect(`${host}`, `${host.log[nth]?.join(' ')} failed ${moment}`).toBe(before);
      }
    }
  });

  it('refuses the name of an interface of another kind, and leaves that alone', async () => {
    const host = new FakeHost();
    host.kernel.addLink('he0', { kind: 'veth', up: true });
    const before = `${host}`;

    const error = (await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr();

    expect(error).toEqual({ kind: 'interface_taken', iface: 'he0', found: 'veth interface' });
    (await driverOn(host).down(tunnel, live()))._unsafeUnwrap();
    expect(`${host}`).toBe(before);
  });

  it('names both interfaces when another one has the same two ends, made or turned to', async () => {
    for (const own of [null, '203.0.113.7']) {
      const host = new FakeHost();
      host.kernel.addLink('he7', { kind: 'sit', remote: '203.0.113.1', local: '192.0.2.10' });
      if (own !== null) host.kernel.addLink('he0', { kind: 'sit', remote: own, alias: 'v6-gatewayd' });
      const before = `${host}`;

      const error = (await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr();

      expect(error).toMatchObject({ kind: 'misconfigured', setting: 'endpoint_ipv4' });
      expect(describeDriverError(error)).toMatch(/203\.0\.113\.1, to which "he7" .* from 192\.0\.2\.10; .*"he0"/);
      expect(`${host}`).toBe(before);
    }
  });

  it('has the MTU that is configured, whatever the underlay could carry', async () => {
    const host = new FakeHost();

    expect((await driverOn(host).up({ ...tunnel, mtu: 1300 }, live()))._unsafeUnwrap().mtu).toBe(1300);
  });

  it.each([
    ['endpoint_ipv4', { endpoint: null }],
    ['v6_prefix', { address: null }],
  ] as const)('does nothing and says so without %s', async (setting, lack) => {
    const host = new FakeHost();

    const error = (await driverOn(host).up({ ...tunnel, ...lack }, live()))._unsafeUnwrapErr();

    expect(error).toMatchObject({ kind: 'misconfigured', setting });
    expect(host.log).toEqual([]);
  });
});

describe('a 6in4 tunnel in a process', () => {
  it('is chosen where the kernel has no sit, and says so', async () => {
    const host = new FakeHost({ sit: false });

    const reading = (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

    expect(reading).toMatchObject({ carrier: 'userspace 6in4 (socat)', link: 'up', mtu: 1480 });
    expect([...host.running.values()]).toEqual([
      [
        'socat',
        '-lphurricane',
        'TUN,tun-name=he0,tun-type=tun,iff-no-pi,iff-up',
        'IP4-DATAGRAM:203.0.113.1:41,bind=192.0.2.10,range=203.0.113.1/32',
      ],
    ]);
  });

  it('names both ways out when socat is missing too', async () => {
    const host = new FakeHost({ sit: false });
    host.missing.add('socat');

    const error = (await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr();

    expect(error).toMatchObject({ kind: 'missing_tool', tool: 'socat' });
    expect(JSON.stringify(error)).toMatch(/modprobe sit.*apt install socat/);
  });

  it('does not share its two ends with another interface', async () => {
    const host = new FakeHost({ sit: false });
    (await driverOn(host).up({ ...tunnel, iface: 'he7', address: '2001:db8:7::2' }, live()))._unsafeUnwrap();
    const before = `${host}`;

    const error = (await driverOn(host).up(tunnel, live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toMatch(/"he7" already has .*"he0"/);
    expect(`${host}`).toBe(before);
  });

  it('goes on with the address it has when the way to the endpoint is gone for a while', async () => {
    const host = new FakeHost({ sit: false, underlay: null });
    (await driverOn(host).up({ ...tunnel, local: '192.0.2.10' }, live()))._unsafeUnwrap();
    const changes = host.changes;

    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

    expect(host.changes).toBe(changes);
  });

  it('leaves the socat of anybody else running', async () => {
    const host = new FakeHost({ sit: false });
    host.running.set(1, ['socat', 'TUN,tun-name=he0,tun-type=tun,iff-no-pi,iff-up', 'STDIO']);
    host.running.set(2, ['socat', '-lphurricane', 'TUN,tun-name=he9,tun-type=tun,iff-no-pi,iff-up', 'x']);
    const before = `${host}`;
    (await driverOn(host).up(tunnel, live()))._unsafeUnwrap();

    (await driverOn(host).down(tunnel, live()))._unsafeUnwrap();

    expect(`${host}`).toBe(before);
  });

  it.each([
    ['iface', { iface: 'he0,up' }],
    ['endpoint_ipv4', { endpoint: '203.0.113.1,fork' }],
    ['local_ipv4', { local: '::1' }],
  ] as const)('hands socat nothing it could read as syntax: %s', async (setting, nasty) => {
    const host = new FakeHost({ sit: false });

    const error = (await driverOn(host).up({ ...tunnel, ...nasty }, live()))._unsafeUnwrapErr();

    expect(error).toMatchObject({ kind: 'misconfigured', setting });
    expect(host.running.size).toBe(0);
  });
});
