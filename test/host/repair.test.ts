import { linuxFlows, PROTOCOL } from '@hurricane/backends';
import { type ConfigOf, ROUTING_DEFAULTS, type RoutePlan } from '@hurricane/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Running } from '../support/command.js';
import { meterDepartures, readDepartures } from '../support/leak-meter.js';
import type { Namespace } from '../support/namespace.js';
import { addNamespaces, removeNamespaces } from '../support/namespace-names.js';
import { ip6, type ProductIn, productIn, stateOf, within } from '../support/product-in.js';
import { requireHost } from '../support/require-host.js';
import { spread } from '../support/spread.js';

const missing = requireHost({ root: true, tun: true, tools: ['ip', 'nft', 'ss', 'socat'] });
const why = missing === null ? '' : ` (skipped: ${missing})`;

const live = (): AbortSignal => new AbortController().signal;
const METRIC = ROUTING_DEFAULTS.metric;
/** An address of nobody here: where packets to the rest of the world would go. */
const WORLD = '2001:db8:ffff::1';

const base = { enabled: true, priority: 0, prefixLength: 64, local: null, mtu: null };
const he: ConfigOf<'he_6in4'> = {
  ...base,
  type: 'he_6in4',
  name: 'he',
  iface: 'he-test0',
  address: '2001:db8:1::2',
  endpoint: '192.0.2.1',
};
const other: ConfigOf<'external'> = {
  type: 'external',
  name: 'other',
  iface: 'other0',
  enabled: true,
  priority: 1,
  address: null,
  prefixLength: 64,
  gateway: null,
};

let space: Namespace;
let here = '';
let product: ProductIn;

/** A host with IPv4, another uplink, and somebody else's rules and routes. */
beforeEach(async () => {
  if (missing !== null) return;
  const made = await addNamespaces(['here']);
  [space] = made as [Namespace];
  here = space.name;
  product = productIn(here);
  await space.ip(
    'link set lo up',
    'link add wan0 type veth peer name wan0-far',
    'link add other0 type veth peer name other0-far',
    ...['wan0', 'wan0-far', 'other0', 'other0-far'].map((dev) => `link set ${dev} up`),
    'addr add 192.0.2.10/24 dev wan0',
    'addr add 2001:db8:2::2/64 dev other0 nodad',
  );
  ip6(here, 'route add default via fe80::1 dev wan0 metric 1024 proto ra');
  ip6(here, 'rule add pref 9500 from 2001:db8:c::/48 lookup 77');
});

afterEach(async () => {
  if (missing !== null) return;
  await product.close();
  await removeNamespaces([space]);
});

const raise = async (): Promise<string> => {
  (await product.drivers.he_6in4.up(he, live()))._unsafeUnwrap();
  (await product.drivers.external.up(other, live()))._unsafeUnwrap();
  return stateOf(here);
};
const repair = async (): Promise<readonly string[]> => {
  const first = await product.drivers.he_6in4.repair?.(he, live());
  const second = await product.drivers.external.repair?.(other, live());
  return [...(first?._unsafeUnwrap() ?? []), ...(second?._unsafeUnwrap() ?? [])];
};
/** The device by which a packet from this address to the world leaves. */
const wayFrom = (address: string): string =>
  /dev (\S+)/.exec(ip6(here, `route get ${WORLD} from ${address}`))?.[1] ?? 'none';

describe.skipIf(missing !== null)(`repair, on a real kernel${why}`, () => {
  it('puts back each rule, route and address that somebody deletes, and says which', async () => {
    const goal = await raise();
    const lines = (show: string): string[] => ip6(here, show).split('\n').filter(Boolean);
    const rules = lines('rule show').filter((line) => line.endsWith(`proto ${PROTOCOL}`));
    const routes = lines(`route show table all proto ${PROTOCOL}`);
    const thefts = [
      ...rules.map((line) => `rule del ${line.replace(':\t', ' ').replace(/^/, 'pref ')}`),
      ...routes.map((line) => `route del ${line.trim().replace(/ pref \w+/, '')}`),
      'addr del 2001:db8:1::2/64 dev he-test0',
    ];
    expect(thefts).toHaveLength(4 + 6 + 1);
    const took: number[] = [];

    for (const theft of thefts) {
      ip6(here, theft.replace(/ error -?\d+/, ''));
      expect(stateOf(here), theft).not.toBe(goal);

      const since = performance.now();
      const phrases = await repair();
      took.push(performance.now() - since);

      expect(stateOf(here), theft).toBe(goal);
      expect(phrases, theft).toHaveLength(1);
      expect(phrases[0]).toContain(/^\w+/.exec(theft)?.[0].replace('addr', 'address') ?? '');
    }
    console.log(`repair of two tunnels, one thing missing: ${spread(took)}`);
  });

  it('changes nothing where nothing is missing', async () => {
    const goal = await raise();
    const took: number[] = [];

    for (let rounds = 0; rounds < 20; rounds += 1) {
      const since = performance.now();
      expect(await product.drivers.he_6in4.repair?.(he, live()).unwrapOr(['failed'])).toEqual([]);
      took.push(performance.now() - since);
    }

    expect(stateOf(here)).toBe(goal);
    console.log(`repair of one 6in4 tunnel with nothing missing: ${spread(took)}`);
  });

  it('puts back all of it after a flush, as a restart of systemd-networkd does it', async () => {
    const goal = await raise();
    for (const flush of [
      [`rule flush protocol ${PROTOCOL}`],
      ['route flush table 900', 'route flush table 901'],
      [`rule flush protocol ${PROTOCOL}`, 'route flush table 900', 'addr flush dev he-test0 scope global'],
    ]) {
      for (const line of flush) ip6(here, line);
      expect(stateOf(here)).not.toBe(goal);

      expect((await repair()).length).toBeGreaterThan(0);

      expect(stateOf(here)).toBe(goal);
    }
  });

  it('brings back sockets that have found another way meanwhile', async () => {
    await raise();
    // Each address that is done with its detection of duplicates has all sockets look again, as does a neighbour
    // that does not answer.
    await expect.poll(() => ip6(here, 'addr show tentative'), { timeout: 5_000 }).toBe('');
    ip6(here, 'neigh replace fe80::1 lladdr 02:00:00:00:00:01 dev wan0');
    await meterDepartures(space);
    const departed = async (iface: string): Promise<number> =>
      (await readDepartures(space)).filter((each) => each.iface === iface).reduce((sum, each) => sum + each.packets, 0);
    for (const theft of [
      ['rule del from 2001:db8:1::2/64'],
      ['route flush table 900', 'route del unreachable default table 900'],
    ]) {
      for (const line of theft) ip6(here, line);
      const script = new URL('../support/connected-socket.mjs', import.meta.url).pathname;
      const astray = await departed('wan0');
      const socket = space.spawn([process.execPath, script, WORLD, '7002', '2001:db8:1::2']);
      await expect.poll(() => departed('wan0'), { timeout: 5_000 }).toBeGreaterThan(astray + 10);

      expect(await repair()).not.toEqual([]);

      const [home, lost] = [await departed('he-test0'), await departed('wan0')];
      await expect
        .poll(() => departed('he-test0'), { timeout: 5_000, message: theft.join() })
        .toBeGreaterThan(home + 10);
      expect(await departed('wan0'), theft.join()).toBe(lost);
      socket.signal('SIGKILL');
      await socket.end();
    }
  });

  it('goes ahead of rules that wg-quick and the like put in front, without touching them', async () => {
    await raise();
    ip6(here, 'route add default dev wan0 table 51820');
    ip6(here, 'rule add not fwmark 51820 lookup 51820');
    ip6(here, 'rule add lookup main suppress_prefixlength 0');
    const theirs = ip6(here, 'rule show').split('\n').slice(1, 3);
    expect(theirs.join(), 'they land ahead of ours').toMatch(/^899\d:.*suppress.*899\d:.*not from all/);
    expect(wayFrom('2001:db8:1::2'), 'they take our packets').toBe('wan0');

    const phrases = await repair();

    expect(phrases).toEqual([
      expect.stringMatching(/^rules of he-test0 at preference \d+, ahead of somebody else's rule \d+ \(lookup 254\)$/),
      expect.stringMatching(/^rules of other0 at preference \d+, ahead of /),
    ]);
    expect(wayFrom('2001:db8:1::2')).toBe('he-test0');
    expect(wayFrom('2001:db8:2::2')).toBe('other0');
    for (const rule of theirs) expect(ip6(here, 'rule show')).toContain(rule);
    expect(await repair(), 'once is enough').toEqual([]);

    // Also the next process knows the moved rules as its own: it changes nothing, and removes them.
    const moved = stateOf(here);
    const next = productIn(here);
    (await next.drivers.he_6in4.up(he, live()))._unsafeUnwrap();
    (await next.drivers.external.up(other, live()))._unsafeUnwrap();
    expect(stateOf(here)).toBe(moved);
    (await next.drivers.he_6in4.down(he, live()))._unsafeUnwrap();
    (await next.drivers.external.down(other, live()))._unsafeUnwrap();
    await next.close();
    expect(ip6(here, 'rule show')).not.toContain(`proto ${PROTOCOL}`);
    for (const rule of theirs) expect(ip6(here, 'rule show')).toContain(rule);
  });

  it('restores an interface that was taken down and up again, and one made anew', async () => {
    const goal = await raise();
    ip6(here, 'link set dev other0 down');
    ip6(here, 'link set dev other0 up');
    ip6(here, 'addr replace 2001:db8:2::2/64 dev other0 nodad');
    expect(wayFromOrNone('2001:db8:2::2')).toBe('none');

    expect(await repair()).toEqual(['route to 2001:db8:2::2/64 in table 901', 'route to default in table 901']);

    expect(stateOf(here)).toBe(goal);
    ip6(here, 'link del dev other0');
    expect(await repair(), 'what has gone is not for repair').toEqual([]);
    await space.ip('link add other0 type veth peer name other0-far', 'link set other0-far up', 'link set other0 up');
    ip6(here, 'addr add 2001:db8:2::2/64 dev other0 nodad');
    expect((await repair()).length).toBe(2);
    expect(wayFrom('2001:db8:2::2')).toBe('other0');
  });

  const wayFromOrNone = (address: string): string => {
    try {
      return wayFrom(address);
    } catch {
      return 'none';
    }
  };
});

describe.skipIf(missing !== null)(`a tunnel that comes up, on a real kernel${why}`, () => {
  it('holds its packets to itself before anybody can have its address', async () => {
    await meterDepartures(space);
    const fresh = async (isHome: boolean): Promise<number> =>
      (await readDepartures(space))
        .filter(
          ({ source, kind, iface }) => source === he.address && kind === 'fresh' && (iface === he.iface) === isHome,
        )
        .reduce((sum, { packets }) => sum + packets, 0);
    const script = new URL('../support/chatter.mjs', import.meta.url).pathname;
    await space.spawn([process.execPath, script, WORLD, he.address ?? '']).says(/sending/);

    for (let times = 1; times <= 10; times += 1) {
      const before = await fresh(true);
      (await product.drivers.he_6in4.up(he, live()))._unsafeUnwrap();
      await expect.poll(() => fresh(true), { timeout: 5_000 }).toBeGreaterThan(before + 5);
      (await product.drivers.he_6in4.down(he, live()))._unsafeUnwrap();
    }

    expect(await fresh(false)).toBe(0);
  });
});

describe.skipIf(missing !== null)(`the default route under attack, on a real kernel${why}`, () => {
  const plan: RoutePlan = {
    via: { iface: 'he-test0', source: '2001:db8:1::2', gateway: null },
    standbys: [{ iface: 'other0', source: '2001:db8:2::2', gateway: null }],
  };
  const verify = async (): Promise<readonly string[]> =>
    (await product.routes.verify?.(plan, live()))?._unsafeUnwrap() ?? ['there is no verify'];
  const defaults = (): string[] =>
    ip6(here, 'route show default')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.replace(/ (src|pref|linkdown).*/, '').trim());

  it('is put back when it is deleted', async () => {
    await raise();
    (await product.routes.apply(plan, live()))._unsafeUnwrap();
    const goal = stateOf(here);

    for (const [iface, metric] of [
      ['he-test0', METRIC],
      ['other0', METRIC + 10],
    ]) {
      ip6(here, `route del default dev ${iface} metric ${metric}`);
      expect(await verify()).toEqual([`default route via ${iface} (metric ${metric})`]);
      expect(stateOf(here)).toBe(goal);
    }
    const took: number[] = [];
    for (let rounds = 0; rounds < 20; rounds += 1) {
      const since = performance.now();
      expect(await verify()).toEqual([]);
      took.push(performance.now() - since);
    }
    expect(stateOf(here)).toBe(goal);
    console.log(`verify with nothing wrong: ${spread(took)}`);
  });

  it('gives way to one that somebody puts at its metric, keeps carrying, and comes back', async () => {
    for (const how of ['append', 'replace']) {
      await raise();
      (await product.routes.apply(plan, live()))._unsafeUnwrap();
      const goal = stateOf(here);
      const theirs = `default dev wan0 proto static metric ${METRIC}`;
      ip6(here, `route ${how} ${theirs}`);
      // Nothing better of the host's own, so that it is between theirs and ours.
      ip6(here, 'route del default via fe80::1 dev wan0');

      expect(await verify()).toContain(`default route via he-test0 (metric ${METRIC - 1})`);

      expect(defaults()).toContain(theirs.replace(/ metric.*/, ` metric ${METRIC}`));
      expect(/dev (\S+)/.exec(ip6(here, `route get ${WORLD}`))?.[1]).toBe('he-test0');
      expect(await verify()).toEqual([]);
      (await product.routes.apply(plan, live()))._unsafeUnwrap();
      expect(defaults().filter((line) => line.includes('he-test0'))).toHaveLength(1);

      ip6(here, `route del ${theirs}`);
      ip6(here, 'route add default via fe80::1 dev wan0 metric 1024 proto ra');
      expect(await verify()).toContain(`default route via he-test0 (metric ${METRIC})`);
      expect(stateOf(here)).toBe(goal);
    }
  });
});

describe.skipIf(missing !== null)(`connections over a dead tunnel, on a real kernel${why}`, () => {
  it('are ended, and no others', async () => {
    for (const last of ['2', '3', '22']) ip6(here, `addr add 2001:db8:9::${last}/128 dev lo nodad`);
    const server = new Running(inside('socat', '-6', 'TCP6-LISTEN:7777,fork,reuseaddr', 'EXEC:cat'));
    await expect.poll(() => within(here, 'ss', '-6', '-t', '-l', '-n')).toContain(':7777');
    const client = (from: string): Running =>
      new Running(inside('socat', 'EXEC:sleep 60', `TCP6:[2001:db8:9::2]:7777,bind=[${from}]`));
    const [doomed, alsoDoomed, near, far] = ['2001:db8:9::3', '2001:db8:9::3', '2001:db8:9::22', '2001:db8:9::2'].map(
      client,
    );
    const established = (): number => within(here, 'ss', '-H', '-6', '-t', '-n').split('\n').filter(Boolean).length;
    await expect.poll(established, { timeout: 5_000 }).toBe(8);

    const ended = (await linuxFlows(product.runner).abort('2001:db8:9::3', live()))._unsafeUnwrap();

    expect(ended).toBe(2);
    for (const each of [doomed, alsoDoomed]) {
      await each?.end(5_000);
      expect(each?.output).toMatch(/connection abort|reset/i);
    }
    for (const each of [near, far, server]) expect(each?.ended).toBe(false);
    expect(within(here, 'ss', '-H', '-6', '-t', '-n')).not.toContain('[2001:db8:9::3]');
    expect((await linuxFlows(product.runner).abort('2001:db8:9::3', live()))._unsafeUnwrap()).toBe(0);
    for (const each of [near, far, server]) each?.signal('SIGKILL');
  });

  const inside = (...argv: string[]): readonly string[] => ['ip', 'netns', 'exec', here, ...argv];
});
