import { okAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { CommandRunner, Finished } from './command.js';
import { readInterface, sourceAddress } from './interface.js';
import { isOurs, readDefaults, readOurRoutes, readRules, readTable } from './ip.js';

const live = (): AbortSignal => new AbortController().signal;
/** A host on which every command ends like this. */
const answering = (finished: Partial<Finished>): CommandRunner => ({
  run: () => okAsync({ exitCode: 0, stdout: '', stderr: '', ...finished }),
});
const printing = (rows: unknown): CommandRunner => answering({ stdout: JSON.stringify(rows) });

describe('reading what ip prints', () => {
  it('reads rules, with and without source, interface and protocol', async () => {
    const rows = [
      { priority: 0, src: 'all', table: '255' },
      { priority: 9000, src: '2001:db8:1::2', srclen: 64, table: '900', protocol: '206' },
      { priority: 9001, src: 'all', oif: 'he0', oif_detached: null, table: '900', protocol: '206' },
      { priority: 9002, src: '2001:db8::1', table: '900' },
      { priority: 9004, src: 'all', action: '7' },
    ];

    const rules = (await readRules(printing(rows), live()))._unsafeUnwrap();

    const wide = { isNarrow: false, isInverted: false };
    expect(rules).toEqual([
      { pref: 0, from: null, oif: null, table: 255, protocol: null, ...wide },
      { pref: 9000, from: '2001:db8:1::2/64', oif: null, table: 900, protocol: 206, ...wide },
      { pref: 9001, from: null, oif: 'he0', table: 900, protocol: 206, ...wide },
      { pref: 9002, from: '2001:db8::1/128', oif: null, table: 900, protocol: null, ...wide },
      { pref: 9004, from: null, oif: null, table: null, protocol: null, ...wide },
    ]);
  });

  it.each([
    [{ fwmark: '0xca6c' }, true],
    [{ uid_start: 0, uid_end: 99 }, true],
    [{ dst: '2001:db8::', dstlen: 32 }, true],
    [{ dport: 22 }, true],
    [{ iif: 'lan0' }, true],
    [{ iif: 'lo' }, false],
    [{ suppress_prefixlen: 0 }, false],
  ])('tells rules for some packets only from rules for all of a source: %j', async (selector, isNarrow) => {
    const row = { priority: 5, src: 'all', table: '77', ...selector };

    const [rule, inverted] = (await readRules(printing([row, { ...row, not: null }]), live()))._unsafeUnwrap();

    expect(rule).toMatchObject({ isNarrow, isInverted: false });
    expect(inverted).toMatchObject({ isNarrow, isInverted: true });
  });

  it('knows routes it has asked for by protocol as ours, in whatever table', async () => {
    const rows = [
      { dst: 'default', dev: 'he0', metric: 2048 },
      { dst: 'default', dev: 'he0', table: '900', metric: 1024 },
    ];

    const routes = (await readOurRoutes(printing(rows), live()))._unsafeUnwrap();

    expect(routes.map((route) => [route.table, isOurs(route)])).toEqual([
      [254, true],
      [900, true],
    ]);
  });

  it('reads routes, also over several hops and of types that are not ours', async () => {
    const rows = [
      { dst: 'default', dev: 'he0', protocol: '206', metric: 1024, flags: [], pref: 'medium' },
      { type: '7', dst: 'default', dev: 'lo', table: '900', protocol: '206', metric: 4294967295 },
      { type: '6', dst: 'default', protocol: '2', metric: 1, nexthops: [{ dev: 'a' }] },
    ];

    const routes = (await readDefaults(printing(rows), live()))._unsafeUnwrap();

    expect(routes.map((route) => [route.type, route.table, route.iface, route.metric])).toEqual([
      ['unicast', 254, 'he0', 1024],
      ['unreachable', 900, 'lo', 4294967295],
      ['other', 254, null, 1],
    ]);
  });

  it('takes a table that never was for an empty one', async () => {
    const stderr = 'Error: ipv6: FIB table does not exist.\nDump terminated\n';

    expect((await readTable(answering({ exitCode: 2, stdout: '[', stderr }), 900, live()))._unsafeUnwrap()).toEqual([]);
  });

  it.each(['[', '{}', 'Usage: ip', '3'])('answers with an error when it prints %s', async (stdout) => {
    for (const read of [readRules, readDefaults]) {
      expect((await read(answering({ stdout }), live()))._unsafeUnwrapErr()).toMatchObject({ kind: 'command_failed' });
    }
    expect((await readInterface(answering({ stdout }), 'he0', live())).isErr()).toBe(true);
  });

  it.each([
    ['RTNETLINK answers: Operation not permitted', 'not_permitted'],
    ['Cannot send dump request: Permission denied', 'not_permitted'],
    ['RTNETLINK answers: No buffer space available', 'command_failed'],
  ])('"%s" is %s, not an empty answer', async (stderr, kind) => {
    for (const read of [readRules, readDefaults]) {
      expect((await read(answering({ exitCode: 2, stderr }), live()))._unsafeUnwrapErr().kind).toBe(kind);
    }
    expect((await readInterface(answering({ exitCode: 2, stderr }), 'he0', live()))._unsafeUnwrapErr().kind).toBe(kind);
  });

  it('reads an interface, with counters beyond 2^53 to the last byte', async () => {
    const stdout =
      '[{},{"ifindex":7,"ifname":"he0","flags":["POINTOPOINT","UP"],"mtu":1480,"ifalias":"uplink","group":"default",' +
      '"linkinfo":{"info_kind":"sit","info_data":{"proto":"ip6ip","remote":"203.0.113.1","local":"any","ttl":255}},' +
      '"addr_info":[{"family":"inet","local":"192.0.2.1","prefixlen":24,"scope":"global"},' +
      '{"family":"inet6","local":"2001:db8::2","prefixlen":64,"scope":"global"},' +
      '{"family":"inet6","local":"2001:db8::3","prefixlen":64,"scope":"global","metric":206,"dadfailed":true}],' +
      '"stats64":{"rx":{"bytes":9007199254740993,"packets":1},"tx":{"bytes":18446744073709551615,"packets":1}}}]';

    const found = (await readInterface(answering({ stdout }), 'he0', live()))._unsafeUnwrap();

    expect(found).toEqual({
      name: 'he0',
      index: 7,
      kind: 'sit',
      up: true,
      alias: 'uplink',
      group: 'default',
      mtu: 1480,
      addresses: [
        { address: '2001:db8::2', length: 64, usable: true, metric: null },
        { address: '2001:db8::3', length: 64, usable: false, metric: 206 },
      ],
      ipv4: ['192.0.2.1/24'],
      counters: { rx: 9007199254740993n, tx: 18446744073709551615n },
      ends: { remote: '203.0.113.1', local: 'any' },
    });
  });

  it('knows a global address by its name and by its number', async () => {
    for (const [scope, isUsable] of [
      ['global', true],
      ['0', true],
      ['link', false],
      ['253', false],
    ]) {
      const addr_info = [{ family: 'inet6', local: '2001:db8::2', prefixlen: 64, scope }];
      const stdout = JSON.stringify([{ ifname: 'he0', flags: ['UP'], addr_info }]);

      const found = (await readInterface(answering({ stdout }), 'he0', live()))._unsafeUnwrap();

      expect(found?.addresses[0]?.usable, `${scope}`).toBe(isUsable);
    }
  });

  it.each([
    ['is still being checked', ['UP', 'BROADCAST'], null],
    ['has nobody to be checked with', ['UP', 'NOARP'], '2001:db8::2'],
  ])('takes a tentative address for a source only when it %s', async (_what, flags, source) => {
    const addr_info = [{ family: 'inet6', local: '2001:db8::2', prefixlen: 64, scope: 'global', tentative: true }];
    const stdout = JSON.stringify([{ ifname: 'he0', flags, addr_info }]);

    const found = (await readInterface(answering({ stdout }), 'he0', live()))._unsafeUnwrap();

    expect(found === null ? null : (sourceAddress(found, null)?.address ?? null)).toBe(source);
  });

  it('tells an interface that is not there from not being able to look', async () => {
    const stderr = 'Device "he0" does not exist.\n';

    expect((await readInterface(answering({ exitCode: 1, stderr }), 'he0', live()))._unsafeUnwrap()).toBeNull();
  });
});
