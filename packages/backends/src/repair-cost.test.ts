import { type ConfigOf, ROUTING_DEFAULTS, type RoutePlan } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { type IpBatch, spawnedBatch } from './ip-batch.js';
import { linuxDrivers } from './linux-host.js';
import { linuxRouteTable } from './route-table.js';
import { FakeHost } from './testing/fake-host.js';
import { fakeConf } from './testing/fake-wireguard.js';

const live = (): AbortSignal => new AbortController().signal;

const TUNNELS = 8;

const tunnels = Array.from({ length: TUNNELS }, (_, index) => ({
  ...{ name: `t${index}`, iface: `tun${index}`, enabled: true, priority: index },
  ...{ address: `2001:db8:${index}::2`, prefixLength: 64 },
}));
const he = tunnels.map((base, index): ConfigOf<'he_6in4'> => {
  return { ...base, type: 'he_6in4', endpoint: `203.0.113.${index}`, local: null, mtu: null };
});
const wg = tunnels.map((base): ConfigOf<'wireguard'> => ({ ...base, type: 'wireguard' }));
const plan: RoutePlan = {
  via: { iface: 'tun0', source: '2001:db8:0::2', gateway: null },
  standbys: [],
};

/** Eight tunnels that are up. `started`: the programs that a repair of all of them starts. */
async function eight(type: 'he_6in4' | 'wireguard') {
  const confs = tunnels.map(({ iface, address }) => [iface, fakeConf([`${address}/64`])] as const);
  const host = new FakeHost({ wireguard: Object.fromEntries(confs) });
  // What the co-process carries starts no program: it is taken off the host's log.
  const carried: (readonly string[])[] = [];
  const sound = spawnedBatch(host);
  const run: IpBatch['run'] = (commands, signal) => {
    carried.push(...commands.map((command) => ['ip', '-N', '-j', '-6', ...command]));
    return sound.run(commands, signal);
  };
  const batch = { run, close: async () => {} };
  const { wireguardFiles } = host;
  const drivers = linuxDrivers({ routing: ROUTING_DEFAULTS, runner: host, batch, processes: host, wireguardFiles });
  const routes = linuxRouteTable({ runner: host, batch, metric: ROUTING_DEFAULTS.metric });
  const ups = type === 'he_6in4' ? he.map((each) => drivers.he_6in4.up(each, live())) : [];
  for (const each of await Promise.all(ups)) each._unsafeUnwrap();
  for (const each of type === 'wireguard' ? wg : []) (await drivers.wireguard.up(each, live()))._unsafeUnwrap();
  (await routes.apply(plan, live()))._unsafeUnwrap();

  const started = async (): Promise<readonly string[]> => {
    const [since, before] = [host.log.length, carried.length];
    const looks =
      type === 'he_6in4'
        ? he.map((each) => drivers.he_6in4.repair?.(each, live()))
        : wg.map((each) => drivers.wireguard.repair?.(each, live()));
    const all = await Promise.all([...looks, routes.verify?.(plan, live())]);
    for (const each of all) each?._unsafeUnwrap();
    expect(host.surprises).toEqual([]);
    const byBatch = carried.slice(before).map((argv) => argv.join(' '));
    const ran = host.log.slice(since).map((argv) => argv.join(' '));
    for (const each of byBatch) ran.splice(ran.indexOf(each), 1);
    return ran.filter((line) => !/^(find|read|look for)/.test(line));
  };
  return { host, started };
}

function rob(host: FakeHost): void {
  for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
  host.kernel.routes.splice(0);
}

/** Starting a program costs some 2.7 ms, and the gateway can do nothing else meanwhile. */
describe('the programs that a repair of eight tunnels starts', () => {
  it.each([
    // All interfaces, all rules, our routes, the default routes; the way to each endpoint and its interface.
    ['he_6in4', 4 + TUNNELS + 1],
    ['wireguard', 4],
  ] as const)('are few when nothing is missing: %s', async (type, most) => {
    const { started } = await eight(type);
    // The first look may have to get to know processes.
    await started();

    expect(await started()).toHaveLength(most);
  });

  it.each([
    ['he_6in4', 13],
    ['wireguard', 4],
  ] as const)('are few more when everything is missing, and change nothing: %s', async (type, quiet) => {
    const { host, started } = await eight(type);
    const goal = `${host}`;
    rob(host);

    const ran = await started();

    expect(`${host}`).toBe(goal);
    expect(ran.filter((line) => /\b(add|replace|del)\b/.test(line))).toEqual([]);
    // Two looks more see that the default route is back; those at rules and our routes are shared by some.
    expect(ran.length).toBeLessThanOrEqual(quiet + 2 + 2 * TUNNELS);
  });
});
