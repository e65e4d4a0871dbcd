import { type ConfigOf, type DriverError, ROUTING_DEFAULTS, type RoutePlan } from '@hurricane/core';
import type { ResultAsync } from 'neverthrow';
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
const external = tunnels.map((base): ConfigOf<'external'> => ({ ...base, type: 'external', gateway: null }));
const plan: RoutePlan = {
  via: { iface: 'tun0', source: '2001:db8:0::2', gateway: null },
  standbys: [],
};

type Type = 'he_6in4' | 'wireguard' | 'external';

/** Eight tunnels that are up. `started`: the programs that a repair of all of them starts. */
async function eight(type: Type) {
  const confs = tunnels.map(({ iface, address }) => [iface, fakeConf([`${address}/64`])] as const);
  const host = new FakeHost({ wireguard: Object.fromEntries(confs) });
  // What the co-process carries starts no program: it is taken off the host's log.
  const carried: string[] = [];
  const sound = spawnedBatch(host);
  const run: IpBatch['run'] = (commands, signal) => {
    carried.push(...commands.map((command) => ['ip', '-N', '-j', '-6', ...command].join(' ')));
    return sound.run(commands, signal);
  };
  const batch = { run, close: async () => {} };
  const { wireguardFiles } = host;
  const drivers = linuxDrivers({ routing: ROUTING_DEFAULTS, runner: host, batch, processes: host, wireguardFiles });
  const routes = linuxRouteTable({ runner: host, batch, metric: ROUTING_DEFAULTS.metric });
  const each = (verb: 'up' | 'repair'): readonly (ResultAsync<unknown, DriverError> | undefined)[] => {
    if (type === 'he_6in4') return he.map((config) => drivers.he_6in4[verb]?.(config, live()));
    if (type === 'wireguard') return wg.map((config) => drivers.wireguard[verb]?.(config, live()));
    return external.map((config) => drivers.external[verb]?.(config, live()));
  };
  for (const { iface, address } of type === 'external' ? tunnels : []) {
    host.kernel.addLink(iface, { up: true, addresses: new Map([[`${address}/64`, []]]) });
  }
  for (const up of await Promise.all(each('up'))) up?._unsafeUnwrap();
  (await routes.apply(plan, live()))._unsafeUnwrap();

  const started = async (): Promise<readonly string[]> => {
    const [since, before] = [host.log.length, carried.length];
    const all = await Promise.all([...each('repair'), routes.verify?.(plan, live())]);
    for (const result of all) result?._unsafeUnwrap();
    expect(host.surprises).toEqual([]);
    const ran = host.log.slice(since).map((argv) => argv.join(' '));
    for (const line of carried.slice(before)) ran.splice(ran.indexOf(line), 1);
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
    // Somebody else's default routes say what the next hop is.
    ['external', 5],
  ] as const)('are few when nothing is missing: %s', async (type, most) => {
    const { started } = await eight(type);
    // The first look may have to get to know processes.
    await started();

    expect(await started()).toHaveLength(most);
  });

  it.each([
    ['he_6in4', 4 + TUNNELS + 1],
    ['wireguard', 4],
    // An interface of anybody's gets no first aid: all look once more at what they have changed.
    ['external', 5 + 2],
  ] as const)('are no more when everything is missing, and change nothing: %s', async (type, most) => {
    const { host, started } = await eight(type);
    const goal = `${host}`;
    rob(host);

    const ran = await started();

    expect(`${host}`).toBe(goal);
    expect(ran.filter((line) => /\b(add|replace|del)\b/.test(line))).toEqual([]);
    expect(ran).toHaveLength(most);
  });
});
