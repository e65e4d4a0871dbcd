import { describe, expect, it } from 'vitest';
import { ipMonitor, lineSplitter } from './ip-monitor.js';
import { launchProgram } from './launch.js';
import { parseMonitorLine } from './monitor-lines.js';

describe('a line of the monitor', () => {
  it.each([
    ['[LINK]3: he0@NONE: <POINTOPOINT,NOARP> mtu 1480 qdisc noop state DOWN', 'link', 'he0'],
    ['[LINK]Deleted 3: vx0@vx1: <BROADCAST> mtu 1500', 'link', 'vx0'],
    ['[ADDR]3: he0    inet6 2001:db8:1::2/64 scope global nodad', 'address', 'he0'],
    ['[ADDR]Deleted 3: eth0.7    inet 192.0.2.1/24 scope global eth0.7', 'address', 'eth0.7'],
    ['[ROUTE]default via fe80::1 dev he0 proto ra metric 1024 pref medium', 'route', 'he0'],
    ['[ROUTE]Deleted unreachable default dev lo table 900 proto 206', 'route', 'lo'],
    ['[ROUTE]default proto 206 metric 1', 'route', null],
    ['[RULE]9001:\tfrom all oif he0 lookup 900', 'rule', 'he0'],
    ['[RULE]Deleted 9000:\tfrom 2001:db8:1::/64 lookup 900', 'rule', null],
  ])('%s', (line, kind, iface) => {
    expect(parseMonitorLine(line)).toEqual({ kind, iface });
  });

  it.each(['[NEIGH]192.0.2.1 dev eth0', '', 'junk', '[NETCONF]inet he0 forwarding off'])(
    'means nothing: %s',
    (line) => {
      expect(parseMonitorLine(line)).toBeNull();
    },
  );
});

describe('lines from pieces', () => {
  it('come whole, and one that has no end is dropped', () => {
    const seen: string[] = [];
    const take = lineSplitter((line) => seen.push(line));

    for (const piece of [
      'a',
      'b\nc\n',
      'x'.repeat(9_000),
      'x'.repeat(9_000),
      'x\nd',
      '\n',
      `${'y'.repeat(8_193)}\ne\n`,
    ]) {
      take(piece);
    }

    expect(seen).toEqual(['ab', 'c', 'd', 'e']);
  });
});

describe('the monitor', () => {
  it('starts again when its process dies, tells to look at everything, and stops when told', async () => {
    const stop = new AbortController();
    let starts = 0;
    const told = new Promise<unknown>((resolve) => {
      const launch: typeof launchProgram = (_argv, options) => {
        starts += 1;
        return launchProgram(starts === 1 ? ['true'] : ['sleep', '600'], options);
      };
      void ipMonitor(launch)
        .watch(resolve, stop.signal)
        .map(() => stopped());
    });
    let stopped = (): void => {};
    const end = new Promise<void>((resolve) => {
      stopped = resolve;
    });

    expect(await told).toEqual({ kind: 'link', iface: null });
    stop.abort();
    await end;
  });

  it('says what is missing where it cannot watch', async () => {
    const launch: typeof launchProgram = (_argv, options) => launchProgram(['hurricane-nosuch'], options);

    const result = await ipMonitor(launch).watch(() => {}, new AbortController().signal);

    expect(result._unsafeUnwrapErr()).toMatchObject({ kind: 'missing_tool', tool: 'ip' });
  });
});
