import type { MappingConfig } from '@hurricane/core';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.js';
import type { Ways } from './contracts.js';
import { aWay, client, connecting, echo, endOf, handWays, program } from './loopback.test-support.js';
import type { MappingsOptions } from './mappings.js';
import { aBench, aRequest, type Bench } from './mappings.test-support.js';
import type { StoredMapping } from './store.js';

const A = aWay({ tunnel: 'a', address: '127.0.0.2' });
const B = aWay({ tunnel: 'b', address: '127.0.0.3', primary: false });

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function table(ways: Ways = handWays(A, B), parts: Partial<MappingsOptions> = {}): Bench {
  const bench = aBench(ways, parts);
  closing.push(() => bench.mappings.stop());
  return bench;
}

function configured(parts: Partial<MappingConfig> = {}): MappingConfig {
  return {
    name: 'web',
    enabled: true,
    protocol: 'tcp',
    internalHost: '127.0.0.1',
    internalPort: 9_000,
    externalPort: 0,
    v6Address: 'auto',
    direction: 'in',
    target: null,
    proxyProtocol: false,
    description: null,
    ...parts,
  };
}

const STORED: StoredMapping = {
  protocol: 'tcp',
  internal_port: 9_000,
  external_port: 0,
  v6_address: '127.0.0.2',
  direction: 'in',
  target: null,
  description: null,
  since: 1_600_000_000,
};

describe('mapping a port', () => {
  it('opens it, lists it and keeps it', async () => {
    const { mappings, store } = table();

    const mapping = (await mappings.map(aRequest({ description: 'web' })))._unsafeUnwrap();

    expect(mapping).toEqual({
      protocol: 'tcp',
      internalHost: '127.0.0.1',
      internalPort: 9_000,
      externalPort: 0,
      v6Address: '127.0.0.2',
      auto: true,
      direction: 'in',
      target: null,
      description: 'web',
      name: null,
      state: 'open',
      problem: null,
      since: 1_700_000_000,
    });
    expect((await mappings.list())._unsafeUnwrap()).toEqual([mapping]);
    expect(store.kept).toMatchObject([{ protocol: 'tcp', external_port: 0, v6_address: 'auto', description: 'web' }]);
  });

  it('changes nothing when the same is asked for again, though its tunnel is gone by then', async () => {
    const ways = handWays(A, B);
    const { mappings } = table(ways);
    const first = (await mappings.map(aRequest({ v6Address: '127.0.0.2' })))._unsafeUnwrap();

    expect((await mappings.map(aRequest({ v6Address: '127.0.0.2' })))._unsafeUnwrap()).toEqual(first);
    ways.set({ ...B, primary: true });
    expect((await mappings.map(aRequest({ v6Address: '127.0.0.2' })))._unsafeUnwrap()).toMatchObject({
      since: first.since,
      state: 'waiting',
    });
    expect((await mappings.list())._unsafeUnwrap()).toHaveLength(1);
  });

  it('asked for by many at once, is opened once', async () => {
    const { mappings } = table();

    const all = await Promise.all(Array.from({ length: 20 }, () => mappings.map(aRequest())));

    expect(new Set(all.map((one) => JSON.stringify(one._unsafeUnwrap()))).size).toBe(1);
  });

  it.each<[string, Parameters<typeof aRequest>[0], object]>([
    [
      'an address of nobody',
      { v6Address: '2001:db8:9::9' },
      { kind: 'address_not_ours', ours: ['127.0.0.2', '127.0.0.3'] },
    ],
    ['the API’s port', { externalPort: 8642 }, { kind: 'port_reserved', port: 8642, side: 'external' }],
    ['a way to the API', { internalPort: 8642 }, { kind: 'port_reserved', port: 8642, side: 'internal' }],
    ['no target', { direction: 'out' }, { kind: 'bad_target', problem: expect.stringContaining('is missing') }],
    ['a target inwards', { target: '[2001:db8::1]:1' }, { kind: 'bad_target' }],
    [
      'a target that is this machine',
      { direction: 'out', target: '[::1]:80' },
      { kind: 'bad_target', problem: 'is a loopback address' },
    ],
    ['a target with no port', { direction: 'out', target: '[2001:db8::1]:0' }, { kind: 'bad_target' }],
  ])('is refused for %s, and nothing is kept', async (_what, parts, error) => {
    const { mappings, store } = table();

    expect((await mappings.map(aRequest(parts)))._unsafeUnwrapErr()).toMatchObject(error);
    expect((await mappings.list())._unsafeUnwrap()).toEqual([]);
    expect(store.kept).toEqual([]);
  });

  it('is refused while no tunnel is the primary', async () => {
    const { mappings } = table(handWays());

    expect((await mappings.map(aRequest()))._unsafeUnwrapErr()).toEqual({ kind: 'no_address' });
  });

  it('is refused where another mapping or another program has the port, and says which', async () => {
    const other = await program(echo, '127.0.0.2');
    closing.push(other.close);
    const { mappings } = table(handWays(A), { holderOf: async () => 'nginx (process 7)' });
    await mappings.map(aRequest());

    expect((await mappings.map(aRequest({ internalPort: 1 })))._unsafeUnwrapErr()).toEqual({
      kind: 'port_taken',
      port: 0,
      side: 'external',
      holder: 'the mapping of tcp port 0',
    });
    expect((await mappings.map(aRequest({ externalPort: other.port })))._unsafeUnwrapErr()).toEqual({
      kind: 'port_taken',
      port: other.port,
      side: 'external',
      holder: 'nginx (process 7)',
    });
    expect((await mappings.map(aRequest({ protocol: 'udp' }))).isOk()).toBe(true);
  });

  it('leaves nothing open when it cannot be kept', async () => {
    const { mappings, store } = table();
    store.fault = 'ENOSPC';

    expect((await mappings.map(aRequest()))._unsafeUnwrapErr()).toEqual({ kind: 'failed', code: 'ENOSPC' });
    expect((await mappings.list())._unsafeUnwrap()).toEqual([]);
  });

  it('stops at 256', async () => {
    const { mappings } = table(handWays());
    await mappings.adopt(
      Array.from({ length: 256 }, (_, i) => configured({ name: `m${i}`, externalPort: i + 1, v6Address: '::9' })),
    );

    expect((await mappings.map(aRequest()))._unsafeUnwrapErr()).toEqual({ kind: 'too_many_mappings', limit: 256 });
  });
});

describe('removing a mapping', () => {
  it('closes it and what goes through it, and forgets it', async () => {
    const here = await program(echo);
    closing.push(here.close);
    const { mappings, store, flows, lines } = table();
    await mappings.map(aRequest({ internalPort: here.port }));
    const port = Number(/:(\d+)$/.exec(lines[0] ?? '')?.[1]);
    const socket = await client({ address: '127.0.0.2', port });
    await waitFor(() => flows.size === 1, 2_000, 'the flow to begin');

    const gone = (await mappings.unmap('tcp', 0))._unsafeUnwrap();

    expect(gone).toMatchObject({ internalPort: here.port });
    expect(await endOf(socket)).toBe('ECONNRESET');
    expect(await endOf(connecting({ address: '127.0.0.2', port }))).toBe('ECONNREFUSED');
    expect(store.kept).toEqual([]);
    expect((await mappings.unmap('tcp', 0))._unsafeUnwrapErr()).toEqual({
      kind: 'unknown_mapping',
      protocol: 'tcp',
      externalPort: 0,
    });
  });

  it('is for the configuration where it stands there', async () => {
    const { mappings } = table();
    await mappings.adopt([configured()]);

    expect((await mappings.unmap('tcp', 0))._unsafeUnwrapErr()).toEqual({ kind: 'mapping_configured', name: 'web' });
    expect((await mappings.map(aRequest({ internalPort: 1 })))._unsafeUnwrapErr()).toMatchObject({
      holder: 'the mapping of tcp port 0 in the configuration ("web")',
    });
  });
});

describe('a restart', () => {
  it('brings back what programs had asked for, which wait for their address', async () => {
    const ways = handWays();
    const { mappings, store } = table(ways);
    store.found = { mappings: [STORED], setAside: null };

    await mappings.restore();
    expect((await mappings.list())._unsafeUnwrap()).toMatchObject([
      { v6Address: '127.0.0.2', state: 'waiting', since: 1_600_000_000 },
    ]);

    ways.set(A);
    await waitFor(
      async () => (await mappings.list())._unsafeUnwrap()[0]?.state === 'open',
      2_000,
      'it to open with its address',
    );
  });

  it('says where a damaged file has been kept', async () => {
    const { mappings, store, lines } = table();
    store.found = { mappings: [], setAside: '/state/ports.json.damaged-1' };

    await mappings.restore();

    expect(lines).toEqual([expect.stringMatching(/^error: .*damaged.*\/state\/ports\.json\.damaged-1/)]);
  });

  it('never writes over a file that could not be read', async () => {
    const { mappings, store, lines } = table();
    store.fault = 'EIO';
    await mappings.restore();
    store.fault = null;

    expect((await mappings.map(aRequest()))._unsafeUnwrapErr()).toEqual({ kind: 'failed', code: 'EIO' });
    expect(lines[0]).toContain('EIO');
    expect(store.kept).toEqual([]);
  });
});

describe('the mappings of the configuration', () => {
  it('come and go with it, and those it does not change are not touched', async () => {
    const here = await program(echo);
    closing.push(here.close);
    const { mappings, flows, lines, store } = table();
    const web = configured({ internalPort: here.port });
    const ssu = configured({ name: 'ssu', protocol: 'udp' });
    await mappings.adopt([web, ssu]);
    const port = Number(/127\.0\.0\.2:(\d+)$/.exec(lines.find((line) => line.includes('tcp')) ?? '')?.[1]);
    const socket = await client({ address: '127.0.0.2', port });
    await waitFor(() => flows.size === 1, 2_000, 'the flow to begin');

    await mappings.adopt([
      { ...web, name: 'web2', description: 'the web' },
      { ...ssu, enabled: false },
    ]);

    expect((await mappings.list())._unsafeUnwrap()).toMatchObject([{ name: 'web2', description: 'the web' }]);
    expect(flows.size).toBe(1);
    expect(await client({ address: '127.0.0.2', port })).toBeDefined();
    expect(store.kept).toEqual([]);

    const end = endOf(socket);
    await mappings.adopt([]);
    expect(await end).toBe('ECONNRESET');
    expect((await mappings.list())._unsafeUnwrap()).toEqual([]);
  });

  it('are not opened by a reload that comes too late', async () => {
    const { mappings, lines } = table();
    const stopping = mappings.stop();
    await mappings.adopt([configured()]);
    await stopping;

    expect((await mappings.list())._unsafeUnwrap()).toEqual([]);
    expect(lines).toEqual([]);
  });

  it('take the place of one that a program made, with a word about it', async () => {
    const { mappings, store, lines } = table();
    await mappings.map(aRequest({ internalPort: 1 }));
    await mappings.map(aRequest({ protocol: 'udp' }));
    expect(store.kept).toHaveLength(2);

    await mappings.adopt([configured(), configured({ name: 'same', protocol: 'udp' })]);

    expect((await mappings.list())._unsafeUnwrap()).toMatchObject([
      { name: 'same', protocol: 'udp' },
      { name: 'web', internalPort: 9_000 },
    ]);
    expect(store.kept).toEqual([]);
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn: The configured mapping "web" takes the place of a mapping of tcp 0 that a program made',
    ]);
  });
});
