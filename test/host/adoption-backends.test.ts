import { sweepHost } from '@hurricane/backends';
import { type ConfigOf, ROUTING_DEFAULTS, type RoutePlan, type TunnelConfig } from '@hurricane/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Running } from '../support/command.js';
import { ip6, type ProductIn, productIn, stateOf } from '../support/product-in.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';

const missing = requireHost({ root: true, tun: true, tools: ['ip', 'nft', 'ping', 'socat'] });
const why = missing === null ? '' : ` (skipped: ${missing})`;

const live = (): AbortSignal => new AbortController().signal;

let bed: Testbed;
let client = '';
let products: ProductIn[] = [];

beforeEach(async () => {
  if (missing !== null) return;
  bed = await Testbed.create({ pops: 2 });
  client = bed.client.name;
  products = [];
});

afterEach(async () => {
  if (missing !== null) return;
  for (const product of products) await product.close();
  await bed.destroy();
});

/** The parts of a process that has just started. */
function start(): ProductIn {
  const product = productIn(client);
  products.push(product);
  return product;
}

const tunnelTo = (pop: 'popA' | 'popB'): ConfigOf<'he_6in4'> => ({
  type: 'he_6in4',
  name: pop,
  iface: pop === 'popA' ? 'he-a' : 'he-b',
  enabled: true,
  priority: 0,
  address: bed.pop(pop).tunnel.client,
  prefixLength: 64,
  endpoint: bed.pop(pop).v4,
  local: null,
  mtu: null,
});
const planOver = (first: TunnelConfig, ...others: TunnelConfig[]): RoutePlan => {
  const hop = ({ iface, address }: TunnelConfig) => ({ iface, source: address, gateway: null });
  return { via: hop(first), standbys: others.map(hop) };
};
const raise = async (product: ProductIn, tunnels: readonly ConfigOf<'he_6in4'>[], plan: RoutePlan): Promise<void> => {
  for (const tunnel of tunnels) (await product.drivers.he_6in4.up(tunnel, live()))._unsafeUnwrap();
  (await product.routes.apply(plan, live()))._unsafeUnwrap();
};
const sweep = async (product: ProductIn, tunnels: readonly TunnelConfig[]): Promise<readonly string[]> =>
  (await sweepHost(product, tunnels, live()))._unsafeUnwrap();
const inClient = (...argv: string[]): readonly string[] => ['ip', 'netns', 'exec', client, ...argv];

describe.skipIf(missing !== null)(`a start after a crash${why}`, () => {
  it('takes over what is there: no packet lost, and nothing of it touched', async () => {
    const [a, b] = [tunnelTo('popA'), tunnelTo('popB')];
    await raise(start(), [a, b], planOver(a, b));
    const before = stateOf(client);
    const changes = new Running(inClient('ip', 'monitor', 'link', 'address', 'route', 'rule'));
    const stream = (source: string): Running =>
      new Running(inClient('ping', '-n', '-i', '0.005', '-w', '20', '-I', source, TARGETS[0]));
    const streams = [stream(a.address ?? ''), stream(b.address ?? '')];
    // It has to listen and they have to flow before anything is taken over.
    const canary = (): boolean => {
      ip6(client, 'route replace 2001:db8:dead::/48 dev lo metric 9');
      ip6(client, 'route del 2001:db8:dead::/48 dev lo metric 9');
      return changes.output.includes('2001:db8:dead::/48');
    };
    await expect.poll(canary, { timeout: 5_000 }).toBe(true);
    const took: number[] = [];

    for (let restarts = 0; restarts < 5; restarts += 1) {
      const product = start();
      const since = performance.now();
      expect(await sweep(product, [a, b])).toEqual([]);
      took.push(performance.now() - since);
      await raise(product, [a, b], planOver(a, b));
    }

    for (const each of streams) {
      await expectUnbroken(each);
      each.signal('SIGINT');
      await each.end();
    }
    changes.signal('SIGTERM');
    await changes.end();
    // What the kernel learns of neighbours by itself is no change of ours.
    const told = changes.output.split('\n').filter((line) => /he-[ab]|default|lookup/.test(line));
    expect(told).toEqual([]);
    expect(stateOf(client)).toBe(before);
    console.log(`sweep with nothing to remove: ${took.map((each) => each.toFixed(0)).join(', ')} ms`);
  });

  it('removes the tunnel that has left the configuration, while the other one goes on', async () => {
    const untouched = stateOf(client);
    const [a, b] = [tunnelTo('popA'), tunnelTo('popB')];
    await raise(start(), [b], planOver(b));
    const onlyB = stateOf(client);
    for (const tunnel of [b]) (await start().drivers.he_6in4.down(tunnel, live()))._unsafeUnwrap();
    await raise(start(), [a, b], planOver(a, b));
    const stream = new Running(inClient('ping', '-n', '-i', '0.005', '-w', '20', '-I', b.address ?? '', TARGETS[0]));
    const product = start();

    const phrases = await sweep(product, [b]);

    expect(phrases).toContain('interface he-a');
    expect(ip6(client, 'route show default'), 'the standby carries on').toMatch(/^default dev he-b /);
    await raise(product, [b], planOver(b));
    const names = (text: string): string[] =>
      text
        .replace(/table \d+|lookup \d+|^\d+:|^9\d{3}:/gm, '')
        .split('\n')
        .sort();
    expect(names(stateOf(client))).toEqual(names(onlyB));
    await expectUnbroken(stream);
    stream.signal('SIGINT');
    await stream.end();

    await product.routes.apply({ via: null, standbys: [] }, live());
    expect(await sweep(product, [])).toEqual(['interface he-b']);
    expect(stateOf(client)).toBe(untouched);
  });

  it('removes routes and rules whose interface is gone, and leaves those of others', async () => {
    const untouched = stateOf(client);
    ip6(client, 'rule add pref 9500 from 2001:db8:c::/48 lookup 77');
    ip6(client, `route add 2001:db8:c::/48 dev lo table ${ROUTING_DEFAULTS.tableBase + 9} proto static`);
    const before = stateOf(client);
    const a = tunnelTo('popA');
    await raise(start(), [a], planOver(a));
    ip6(client, 'link del dev he-a');

    expect(await sweep(start(), [])).toEqual([`rules and routes of table ${ROUTING_DEFAULTS.tableBase}`]);

    expect(stateOf(client)).toBe(before);
    expect(before).not.toBe(untouched);
  });
});

/** Echoes beyond the last one heard so far that must come back too: they were sent while all was still going on. */
const BEYOND = 20;

/**
 * Every echo up to now, and some further ones, has come back. ping's own count will not do: what is on its way
 * when ping is ended counts as lost there.
 */
async function expectUnbroken(stream: Running): Promise<void> {
  const heard = (): ReadonlySet<number> =>
    new Set([...stream.output.matchAll(/icmp_seq=(\d+) ttl=/g)].map((reply) => Number(reply[1])));
  const last = Math.max(0, ...heard()) + BEYOND;
  const missing = (): readonly number[] => {
    const answered = heard();
    return Array.from({ length: last }, (_, i) => i + 1).filter((seq) => !answered.has(seq));
  };
  await expect.poll(missing, { timeout: 5_000 }).toEqual([]);
}
