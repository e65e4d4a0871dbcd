import { execFileSync, spawn } from 'node:child_process';
import {
  external,
  he6in4,
  ipBatch,
  ipMonitor,
  type Launch,
  launchProgram,
  linuxRouteTable,
  PROTOCOL,
  policyRouting,
  spawnedBatch,
  systemProcesses,
  systemRunner,
} from '@hurricane/backends';
import { type ConfigOf, type HostChange, ROUTING_DEFAULTS } from '@hurricane/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Namespace } from '../support/namespace.js';
import { addNamespaces, removeNamespaces } from '../support/namespace-names.js';
import { requireHost } from '../support/require-host.js';

const missing = requireHost({ root: true, tun: true, tools: ['ip', 'ping', 'socat'] });
const why = missing === null ? '' : ` (skipped: ${missing})`;

const live = (): AbortSignal => new AbortController().signal;
const METRIC = ROUTING_DEFAULTS.metric;

let namespaces: Namespace[] = [];
let cleanUps: (() => Promise<void> | void)[] = [];

/** A network namespace of this test's own. */
async function namespace(role: string): Promise<string> {
  const made = await addNamespaces([role]);
  namespaces.push(...made);
  const name = made[0]?.name ?? '';
  within(name, 'ip', 'link', 'set', 'dev', 'lo', 'up');
  return name;
}

const within = (name: string, ...argv: string[]): string =>
  execFileSync('ip', ['netns', 'exec', name, ...argv], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Starts programs as the product does, but in a namespace. */
const launchIn =
  (name: string): Launch =>
  (argv, options) =>
    launchProgram(['ip', 'netns', 'exec', name, ...argv], options);

const runnerIn = (name: string) => systemRunner(launchIn(name));

/** Links, addresses, rules and routes as the kernel has them, without what it changes by itself after a while. */
function stateOf(name: string): string {
  const show = (...argv: string[]): string[] => within(name, 'ip', ...argv).split('\n');
  const lines = [
    ...show('-o', 'link', 'show').map((line) => line.replace(/ state \w+|\\.*/g, '')),
    ...show('-o', 'addr', 'show').map((line) => line.replace(/\\.*/, '')),
    ...show('-6', 'rule'),
    ...show('-6', 'route', 'show', 'table', 'all').map((line) => line.replace(/ linkdown/, '')),
  ];
  return lines.filter((line) => !/inet6 fe80|^local fe80/.test(line)).join('\n');
}

/** Two namespaces on one wire: 192.0.2.10 and 192.0.2.1, 2001:db8:1::2 and 2001:db8:1::1. */
async function wire(): Promise<{ readonly here: string; readonly there: string }> {
  const [here, there] = [await namespace('here'), await namespace('there')];
  execFileSync('ip', ['link', 'add', 'wan0', 'netns', here, 'type', 'veth', 'peer', 'name', 'pop0', 'netns', there]);
  for (const [name, dev, host] of [
    [here, 'wan0', '10'],
    [there, 'pop0', '1'],
  ] as const) {
    within(name, 'ip', 'addr', 'add', `192.0.2.${host}/24`, 'dev', dev);
    within(name, 'ip', 'link', 'set', 'dev', dev, 'up');
  }
  return { here, there };
}

/** Something to route over that has no other end worth the name. */
function stubs(name: string, ...devices: string[]): void {
  for (const device of devices) {
    within(name, 'ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', `${device}-far`);
    within(name, 'ip', 'link', 'set', 'dev', device, 'up');
    within(name, 'ip', 'link', 'set', 'dev', `${device}-far`, 'up');
  }
}

beforeEach(() => {
  namespaces = [];
  cleanUps = [];
});

afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
  await removeNamespaces(namespaces);
});

describe.skipIf(missing !== null)(`6in4 in a process, on a real kernel${why}`, () => {
  const tunnel: ConfigOf<'he_6in4'> = {
    type: 'he_6in4',
    name: 'he',
    iface: 'he-test0',
    enabled: true,
    priority: 0,
    address: '2001:db8:1::2',
    prefixLength: 64,
    endpoint: '192.0.2.1',
    local: null,
    mtu: null,
  };
  /** The driver as a daemon inside the namespace would have it; nothing remembered from one to the next. */
  const driverIn = (name: string) => {
    const runner = runnerIn(name);
    const processes = systemProcesses({ launch: launchIn(name), namespace: `/run/netns/${name}` });
    return he6in4({ runner, processes, policy: policyRouting({ runner, routing: ROUTING_DEFAULTS }) });
  };
  const peer = { ...tunnel, address: '2001:db8:1::1', endpoint: '192.0.2.10' };
  const carriersIn = async (name: string) =>
    (await systemProcesses({ namespace: `/run/netns/${name}` }).find('socat', live()))._unsafeUnwrap();

  it('carries real packets, is adopted after a restart, and leaves nothing behind', async () => {
    const { here, there } = await wire();
    const before = stateOf(here);
    (await driverIn(there).up(peer, live()))._unsafeUnwrap();

    const reading = (await driverIn(here).up(tunnel, live()))._unsafeUnwrap();

    expect(reading).toMatchObject({
      link: 'up',
      address: '2001:db8:1::2',
      prefixLength: 64,
      mtu: 1480,
      carrier: 'userspace 6in4 (socat)',
    });
    expect(within(here, 'ping', '-6', '-n', '-c', '3', '-i', '0.05', '-W', '2', '2001:db8:1::1')).toContain(
      ' 0% packet',
    );
    // Bound to the interface: the `oif` rule's work.
    expect(within(here, 'ping', '-6', '-n', '-c', '1', '-W', '2', '-I', 'he-test0', '2001:db8:1::1')).toContain(' 0% ');

    const [once, carriers] = [stateOf(here), await carriersIn(here)];
    expect(carriers).toHaveLength(1);
    (await driverIn(here).up(tunnel, live()))._unsafeUnwrap();
    expect(stateOf(here)).toBe(once);
    expect(await carriersIn(here)).toEqual(carriers);

    (await driverIn(here).down(tunnel, live()))._unsafeUnwrap();
    expect(stateOf(here)).toBe(before);
    expect(await carriersIn(here)).toEqual([]);
    expect(await carriersIn(there), 'the other namespace keeps its own').toHaveLength(1);
  });

  it('takes packets from the tunnel server and from nobody else', async () => {
    const { here, there } = await wire();
    within(there, 'ip', 'addr', 'add', '192.0.2.66/24', 'dev', 'pop0');
    (await driverIn(there).up(peer, live()))._unsafeUnwrap();
    (await driverIn(here).up(tunnel, live()))._unsafeUnwrap();
    const received = () =>
      Number(JSON.parse(within(here, 'ip', '-j', '-s', 'link', 'show', 'he-test0'))[0].stats64.rx.packets);
    // An IPv6 header with nothing in it (next header 59), as anybody on the way could make it.
    const bogus = `60000000${'0000'}3b40${'20010db8000100000000000000000001'}${'20010db8000100000000000000000002'}`;
    const inject = (from: string): void => {
      const argv = ['netns', 'exec', there, 'socat', '-u', '-', `IP4-SENDTO:192.0.2.10:41,bind=${from}`];
      execFileSync('ip', argv, { input: Buffer.from(bogus, 'hex'), timeout: 5_000 });
    };
    const before = received();

    for (let i = 0; i < 5; i += 1) inject('192.0.2.66');
    // One that has to arrive, after the others on the same wire: by then they have been refused.
    inject('192.0.2.1');
    await expect.poll(received, { timeout: 5_000 }).toBeGreaterThan(before);

    expect(received()).toBe(before + 1);
  });

  it('replaces a process whose ends have changed, and stops leaks when the process dies', async () => {
    const { here } = await wire();
    within(here, 'ip', 'addr', 'add', '192.0.2.11/24', 'dev', 'wan0');
    (await driverIn(here).up(tunnel, live()))._unsafeUnwrap();
    const [first] = await carriersIn(here);

    (await driverIn(here).up({ ...tunnel, local: '192.0.2.11' }, live()))._unsafeUnwrap();

    const [second, ...more] = await carriersIn(here);
    expect(more).toEqual([]);
    expect(second?.argv.at(-1)).toContain('bind=192.0.2.11');
    expect(second?.pid).not.toBe(first?.pid);

    process.kill(second?.pid ?? 0, 'SIGKILL');
    await expect.poll(async () => (await driverIn(here).inspect(tunnel, live()))._unsafeUnwrap().link).toBe('absent');
    const asked = () => within(here, 'ip', '-6', 'route', 'get', '2001:db8:ffff::1', 'from', '2001:db8:1::2');
    expect(asked, 'the guard answers for the interface that has gone').toThrow(/unreachable|No route|Invalid/);
    (await driverIn(here).down(tunnel, live()))._unsafeUnwrap();
    expect(within(here, 'ip', '-6', 'rule')).not.toContain('he-test0');
    expect(within(here, 'ip', '-6', 'route', 'show', 'table', 'all')).not.toContain(`proto ${PROTOCOL}`);
  });

  it('does not touch an interface of that name that is not ours', async () => {
    const { here } = await wire();
    stubs(here, 'he-test0');
    const before = stateOf(here);

    const error = (await driverIn(here).up(tunnel, live()))._unsafeUnwrapErr();

    expect(error).toEqual({ kind: 'interface_taken', iface: 'he-test0', found: 'veth interface' });
    (await driverIn(here).down(tunnel, live()))._unsafeUnwrap();
    expect(stateOf(here)).toBe(before);
  });
});

describe.skipIf(missing !== null)(`existing interfaces, on a real kernel${why}`, () => {
  const tunnelOn = (iface: string): ConfigOf<'external'> => ({
    type: 'external',
    name: iface,
    iface,
    enabled: true,
    priority: 0,
    address: null,
    prefixLength: 64,
    gateway: null,
  });

  it('sends packets from each address out by its own interface, and takes the rules away again', async () => {
    const here = await namespace('here');
    stubs(here, 'uplink-a', 'uplink-b');
    within(here, 'ip', '-6', 'addr', 'add', '2001:db8:a::2/64', 'dev', 'uplink-a', 'nodad');
    within(here, 'ip', '-6', 'addr', 'add', '2001:db8:b::2/64', 'dev', 'uplink-b', 'nodad');
    within(here, 'ip', '-6', 'route', 'add', 'default', 'via', 'fe80::1', 'dev', 'uplink-a', 'proto', 'ra');
    within(here, 'ip', '-6', 'rule', 'add', 'pref', '9000', 'from', '2001:db8:c::/48', 'lookup', '77');
    const before = stateOf(here);
    const runner = runnerIn(here);
    const driver = external({ runner, policy: policyRouting({ runner, routing: ROUTING_DEFAULTS }) });
    const [a, b] = [tunnelOn('uplink-a'), tunnelOn('uplink-b')];

    const [first, second] = await Promise.all([driver.up(a, live()), driver.up(b, live())]);

    expect(first._unsafeUnwrap()).toMatchObject({ address: '2001:db8:a::2', gateway: 'fe80::1', link: 'up' });
    expect(second._unsafeUnwrap()).toMatchObject({ address: '2001:db8:b::2', gateway: null, link: 'up' });
    const way = (from: string): string => within(here, 'ip', '-6', 'route', 'get', '2001:db8:ffff::1', 'from', from);
    expect(way('2001:db8:a::2')).toMatch(/via fe80::1 dev uplink-a/);
    expect(way('2001:db8:b::2')).toMatch(/dev uplink-b/);

    const up = stateOf(here);
    const fresh = external({ runner, policy: policyRouting({ runner, routing: ROUTING_DEFAULTS }) });
    for (const each of [a, b]) (await fresh.up(each, live()))._unsafeUnwrap();
    expect(stateOf(here)).toBe(up);

    // The interface goes: its routes go with it, but nothing may leave by the other.
    within(here, 'ip', 'link', 'del', 'dev', 'uplink-b');
    expect(() => way('2001:db8:b::2')).toThrow();
    for (const each of [a, b]) (await fresh.down(each, live()))._unsafeUnwrap();
    const left = before.split('\n').filter((line) => !line.includes('uplink-b') && !line.includes('2001:db8:b:'));
    expect(stateOf(here).split('\n')).toEqual(left);
  });
});

describe.skipIf(missing !== null)(`the default route, on a real kernel${why}`, () => {
  const hop = (iface: string, source: string | null = null) => ({ iface, source, gateway: null });
  const defaultsOf = (name: string): string[] =>
    within(name, 'ip', '-6', 'route', 'show', 'default')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.trim());
  const tableIn = (name: string) => {
    const runner = runnerIn(name);
    const batch = ipBatch({ runner, launch: launchIn(name) });
    cleanUps.push(() => batch.close());
    return linuxRouteTable({ runner, batch, metric: METRIC });
  };

  it('has one managed default with standbys behind it, and restores what was there', async () => {
    const here = await namespace('here');
    stubs(here, 'tun-a', 'tun-b');
    within(here, 'ip', '-6', 'addr', 'add', '2001:db8:a::2/64', 'dev', 'tun-a', 'nodad');
    within(here, 'ip', '-6', 'route', 'add', 'default', 'via', 'fe80::1', 'dev', 'tun-b', 'metric', '1024');
    const before = stateOf(here);
    const routes = tableIn(here);
    const plan = { via: hop('tun-a', '2001:db8:a::2'), standbys: [hop('tun-b')] };

    for (let twice = 0; twice < 2; twice += 1) {
      (await routes.apply(plan, live()))._unsafeUnwrap();
      expect(defaultsOf(here)).toEqual([
        expect.stringMatching(/^default via fe80::1 dev tun-b .*metric 1024/),
        expect.stringMatching(new RegExp(`^default dev tun-a proto ${PROTOCOL} src 2001:db8:a::2 metric ${METRIC} `)),
        expect.stringMatching(new RegExp(`^default dev tun-b proto ${PROTOCOL} metric ${METRIC + 10} `)),
      ]);
    }
    (await routes.apply({ via: hop('tun-b'), standbys: [hop('tun-a')] }, live()))._unsafeUnwrap();
    expect(defaultsOf(here)[1]).toMatch(/^default dev tun-b /);
    (await routes.apply({ via: null, standbys: [] }, live()))._unsafeUnwrap();
    expect(stateOf(here)).toBe(before);
  });

  it('is right about an interface that was made anew under the same name', async () => {
    const here = await namespace('here');
    stubs(here, 'tun-a', 'tun-b');
    const routes = tableIn(here);
    (await routes.apply({ via: hop('tun-a'), standbys: [hop('tun-b')] }, live()))._unsafeUnwrap();
    within(here, 'ip', 'link', 'del', 'dev', 'tun-a');
    (await routes.apply({ via: hop('tun-b'), standbys: [] }, live()))._unsafeUnwrap();
    stubs(here, 'tun-a');

    (await routes.apply({ via: hop('tun-a'), standbys: [hop('tun-b')] }, live()))._unsafeUnwrap();

    expect(defaultsOf(here).map((line) => line.split(' ')[2])).toEqual(['tun-a', 'tun-b']);
  });

  it('clears up several of one metric, and leaves those of others', async () => {
    const here = await namespace('here');
    stubs(here, 'tun-a', 'tun-b', 'tun-c');
    const route = (verb: string, dev: string, proto: number, metric: number): string =>
      within(here, 'ip', '-6', 'route', verb, 'default', 'dev', dev, 'proto', `${proto}`, 'metric', `${metric}`);
    route('add', 'tun-a', PROTOCOL, METRIC);
    route('append', 'tun-b', PROTOCOL, METRIC);
    route('add', 'tun-c', PROTOCOL, 50);
    route('add', 'tun-c', 4, METRIC + 10);

    (await tableIn(here).apply({ via: hop('tun-c'), standbys: [hop('tun-a')] }, live()))._unsafeUnwrap();

    expect(defaultsOf(here)).toEqual([
      expect.stringMatching(new RegExp(`dev tun-c proto ${PROTOCOL} metric ${METRIC} `)),
      expect.stringMatching(new RegExp(`dev tun-c proto static metric ${METRIC + 10} `)),
      expect.stringMatching(new RegExp(`dev tun-a proto ${PROTOCOL} metric ${METRIC + 20} `)),
    ]);
  });

  it('never replaces a route of others at its own metric', async () => {
    const here = await namespace('here');
    stubs(here, 'tun-a');
    within(here, 'ip', '-6', 'route', 'add', 'default', 'dev', 'tun-a', 'proto', 'static', 'metric', `${METRIC}`);
    const before = stateOf(here);
    const routes = tableIn(here);

    (await routes.apply({ via: hop('tun-a'), standbys: [] }, live()))._unsafeUnwrap();

    expect(defaultsOf(here)).toEqual([
      expect.stringMatching(new RegExp(`dev tun-a proto ${PROTOCOL} metric ${METRIC - 1} `)),
      expect.stringMatching(new RegExp(`dev tun-a proto static metric ${METRIC} `)),
    ]);
    (await routes.apply({ via: null, standbys: [] }, live()))._unsafeUnwrap();
    expect(stateOf(here)).toBe(before);
  });

  it('answers through the co-process in a fraction of the time a new process takes', async () => {
    const here = await namespace('here');
    stubs(here, 'tun-a', 'tun-b');
    const runner = runnerIn(here);
    const batch = ipBatch({ runner, launch: launchIn(here) });
    cleanUps.push(() => batch.close());
    const command = (dev: string): readonly string[] => [
      'route',
      'replace',
      'default',
      'dev',
      dev,
      'metric',
      '7',
      'proto',
      `${PROTOCOL}`,
    ];
    const times = async (ask: typeof batch, rounds: number): Promise<{ p50: number; p99: number }> => {
      const took: number[] = [];
      for (let i = 0; i < rounds; i += 1) {
        const since = performance.now();
        const [answer] = (await ask.run([command(i % 2 === 0 ? 'tun-a' : 'tun-b')], live()))._unsafeUnwrap();
        took.push(performance.now() - since);
        expect(answer).toMatchObject({ exitCode: 0, stderr: '' });
      }
      took.sort((a, b) => a - b);
      const at = (part: number): number => took[Math.floor(part * (took.length - 1))] ?? 0;
      return { p50: at(0.5), p99: at(0.99) };
    };
    await times(batch, 5);

    const [quick, slow] = [await times(batch, 1_000), await times(spawnedBatch(runner), 50)];

    const said = ({ p50, p99 }: { p50: number; p99: number }): string =>
      `p50 ${p50.toFixed(2)} p99 ${p99.toFixed(2)} ms`;
    console.log(`route replace: co-process ${said(quick)}, new process ${said(slow)}`);
    expect(quick.p50).toBeLessThan(slow.p50 / 2);
  });

  it('tells which commands of a batch failed and why, and goes on after the process was killed', async () => {
    const here = await namespace('here');
    stubs(here, 'tun-a');
    const children: number[] = [];
    const launch: Launch = (argv, options) => {
      const child = launchIn(here)(argv, options);
      children.push(child.pid ?? 0);
      return child;
    };
    const batch = ipBatch({ runner: runnerIn(here), launch });
    cleanUps.push(() => batch.close());
    const add = ['route', 'add', 'default', 'dev', 'tun-a', 'metric', '7'];
    const show = ['route', 'show', 'table', '254', 'default'];

    const answers = (
      await batch.run([add, add, ['route', 'del', 'default', 'dev', 'nosuch0'], show], live())
    )._unsafeUnwrap();

    expect(answers.map((answer) => answer.exitCode)).toEqual([0, 2, 2, 0]);
    expect(answers[1]?.stderr).toContain('File exists');
    expect(answers[2]?.stderr).toContain('Cannot find device "nosuch0"');
    expect(JSON.parse(answers[3]?.stdout ?? '')).toMatchObject([{ dst: 'default', dev: 'tun-a', metric: 7 }]);
    process.kill(children[0] ?? 0, 'SIGKILL');
    expect((await batch.run([show], live()))._unsafeUnwrap()[0]?.stdout).toContain('tun-a');
    // An argument that `ip` ends itself over.
    const bad = (await batch.run([['route', 'del', 'default', 'metric', 'x'], show], live()))._unsafeUnwrap();
    expect(bad.map((answer) => answer.exitCode === 0)).toEqual([false, true]);
  });
});

describe.skipIf(missing !== null)(`the monitor, on a real kernel${why}`, () => {
  it('tells of a deleted interface within 100 ms, and of addresses, routes and rules', async () => {
    const here = await namespace('here');
    const seen: { readonly change: HostChange; readonly at: number }[] = [];
    const stop = new AbortController();
    const watching = ipMonitor(launchIn(here)).watch(
      (change) => seen.push({ change, at: performance.now() }),
      stop.signal,
    );
    const saw = (kind: HostChange['kind'], iface: string) => () =>
      seen.some(({ change }) => change.kind === kind && change.iface === iface);
    // It listens once it has told of something: until then, make something happen.
    await expect
      .poll(
        () => {
          within(here, 'ip', 'link', 'set', 'dev', 'lo', 'down');
          within(here, 'ip', 'link', 'set', 'dev', 'lo', 'up');
          return seen.length;
        },
        { timeout: 5_000 },
      )
      .toBeGreaterThan(0);
    stubs(here, 'tun-a');
    within(here, 'ip', '-6', 'addr', 'add', '2001:db8:a::2/64', 'dev', 'tun-a', 'nodad');
    within(here, 'ip', '-6', 'rule', 'add', 'pref', '9001', 'oif', 'tun-a', 'lookup', '900');
    for (const kind of ['link', 'address', 'route', 'rule'] as const) {
      await expect.poll(saw(kind, 'tun-a'), { timeout: 2_000 }).toBe(true);
    }
    seen.length = 0;

    const since = await deletedAt(here, 'tun-a');

    await expect.poll(saw('link', 'tun-a'), { timeout: 2_000, interval: 5 }).toBe(true);
    const first = seen.find(({ change }) => change.iface === 'tun-a');
    expect((first?.at ?? Number.POSITIVE_INFINITY) - since).toBeLessThan(100);
    stop.abort();
    expect((await watching).isOk()).toBe(true);
    expect(seen.filter(({ change }) => change.kind === 'link').length).toBeGreaterThan(0);
  });

  /** Deletes an interface without holding up this process, which has to hear of it; answers when that was done. */
  const deletedAt = (name: string, iface: string): Promise<number> =>
    new Promise((resolve) => {
      const since = performance.now();
      const child = spawn('ip', ['netns', 'exec', name, 'ip', 'link', 'del', 'dev', iface], { stdio: 'ignore' });
      child.once('exit', () => resolve(since));
    });
});
