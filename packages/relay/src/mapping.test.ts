import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.js';
import { allOf, aWay, client, connecting, echo, endOf, handWays, program } from './loopback.test-support.js';
import { at, openMapping, serving } from './open-mapping.test-support.js';

const A = aWay({ tunnel: 'a', address: '127.0.0.2' });
const B = aWay({ tunnel: 'b', address: '127.0.0.3', primary: false });

describe('a TCP mapping inwards', () => {
  it('leads from the tunnel’s address to the program here, as a flow of that tunnel', async () => {
    const here = await serving();
    const { mapping, flows } = await openMapping(handWays(A, B), { internalPort: here.port });
    const socket = await client(at(mapping));
    socket.write('hello');

    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    expect(at(mapping).address).toBe('127.0.0.2');
    expect(flows.list()).toMatchObject([
      { kind: 'tcp', origin: 'mapping tcp 0', tunnel: 'a', target: { address: '127.0.0.1', port: here.port } },
    ]);
    socket.end();
    await waitFor(() => flows.size === 0, 2_000, 'the flow to end');
    expect(flows.totals()[0]).toMatchObject({ sent: 5, received: 5, ended: { finished: 1 } });
  });

  it('resets clients while no program listens here, and counts them', async () => {
    const here = await program(echo);
    here.close();
    const { mapping, faults, flows } = await openMapping(handWays(A), { internalPort: here.port });

    expect(await endOf(connecting(at(mapping)))).toBe('ECONNRESET');
    expect(faults.list()).toEqual([{ kind: 'tcp', reason: 'refused', count: 1 }]);
    expect(flows.size).toBe(0);
  });

  it('tells the program who connects, if it is to', async () => {
    const got: Promise<Buffer>[] = [];
    const here = await serving((socket) => {
      got.push(allOf(socket));
      socket.end();
    });
    const ways = handWays(aWay({ address: '::1' }));
    const { mapping } = await openMapping(ways, { internalPort: here.port, proxyProtocol: true });
    const socket = await client(at(mapping));
    const from = socket.localPort ?? 0;
    socket.resume().end('payload');
    await waitFor(() => got.length === 1, 2_000, 'the program to be reached');
    const bytes = (await got[0]) ?? Buffer.alloc(0);

    expect(bytes.subarray(0, 16).toString('hex')).toBe('0d0a0d0a000d0a515549540a21210024');
    expect(bytes.subarray(16, 48).toString('hex')).toBe(`${'0'.repeat(31)}1${'0'.repeat(31)}1`);
    expect([bytes.readUInt16BE(48), bytes.readUInt16BE(50)]).toEqual([from, at(mapping).port]);
    expect(bytes.subarray(52).toString()).toBe('payload');
  });

  it('follows the primary at once, and leaves those that are connected', async () => {
    const here = await serving();
    const ways = handWays(A, B);
    const { mapping, flows, lines } = await openMapping(ways, { internalPort: here.port });
    const before = at(mapping);
    const old = await client(before);
    await waitFor(() => flows.size === 1, 2_000, 'the flow to begin');

    ways.set({ ...B, primary: true }, { ...A, primary: false, liveness: 'doubtful' });
    await mapping.settle();

    expect(at(mapping).address).toBe('127.0.0.3');
    const fresh = await client(at(mapping));
    fresh.write('new');
    expect(String((await once(fresh, 'data'))[0])).toBe('new');
    old.write('old');
    expect(String((await once(old, 'data'))[0])).toBe('old');
    await expect(client(before)).rejects.toThrow('ECONNREFUSED');
    expect(lines.filter((line) => line.startsWith('info'))).toHaveLength(2);

    const end = endOf(old);
    ways.set({ ...B, primary: true }, { ...A, primary: false, liveness: 'hard_down' });
    expect(await end).toBe('ECONNRESET');
    await waitFor(() => flows.size === 1, 2_000, 'the old flow to end');
    expect(flows.list()).toMatchObject([{ tunnel: 'b' }]);
    fresh.destroy();
  });

  it('stays with a named address, and says when it cannot be reached', async () => {
    const ways = handWays(A, B);
    const { mapping } = await openMapping(ways, { v6Address: '127.0.0.2' });
    expect(mapping.view()).toMatchObject({ v6Address: '127.0.0.2', auto: false, state: 'open', problem: null });

    ways.set({ ...B, primary: true }, { ...A, primary: false, liveness: 'hard_down' });
    await mapping.settle();
    expect(at(mapping).address).toBe('127.0.0.2');
    expect(mapping.view()).toMatchObject({ state: 'unreachable', problem: 'Nothing comes back through tunnel a.' });

    ways.set({ ...B, primary: true });
    await mapping.settle();
    expect(mapping.at).toBeNull();
    expect(mapping.view()).toMatchObject({ state: 'waiting', problem: 'No tunnel has the address 127.0.0.2.' });

    ways.set(A, B);
    await mapping.settle();
    expect(mapping.view()).toMatchObject({ state: 'open' });
  });

  it('waits for a primary, and keeps its place between two of them', async () => {
    const ways = handWays();
    const { mapping } = await openMapping(ways, {});
    expect(mapping.view()).toMatchObject({ v6Address: null, auto: true, state: 'waiting' });

    ways.set(A);
    await mapping.settle();
    const there = at(mapping);
    ways.set({ ...A, primary: false, liveness: 'hard_down' });
    await mapping.settle();

    expect(at(mapping)).toEqual(there);
    expect(mapping.view()).toMatchObject({ v6Address: '127.0.0.2', state: 'unreachable' });
  });

  it('says that another program has its port, and opens when it is free', async () => {
    const other = await program(echo, '127.0.0.2');
    const { mapping } = await openMapping(handWays(A), { externalPort: other.port });
    expect(mapping.fault).toEqual({ kind: 'taken' });
    expect(mapping.view()).toMatchObject({
      state: 'failed',
      problem: `The system did not open port ${other.port}: another program has it.`,
    });

    other.close();
    await waitFor(() => mapping.view().state === 'open', 5_000, 'it to be tried again');
  });
});

describe('a TCP mapping outwards', () => {
  it('leaves from the primary’s address, whichever that is at the time', async () => {
    const sources: (string | undefined)[] = [];
    const far = await serving((socket) => {
      sources.push(socket.remoteAddress);
      socket.end();
    });
    const ways = handWays(A, B);
    const { mapping } = await openMapping(ways, { direction: 'out', internalPort: 0, target: far });
    expect(at(mapping).address).toBe('127.0.0.1');
    const through = async (): Promise<void> => {
      const socket = await client(at(mapping));
      socket.resume().end();
      await once(socket, 'close');
    };

    await through();
    ways.set({ ...B, primary: true }, { ...A, primary: false });
    await through();

    expect(sources).toEqual(['127.0.0.2', '127.0.0.3']);
  });

  it('resets clients while there is no tunnel to leave by', async () => {
    const far = await serving();
    const { mapping, faults } = await openMapping(handWays(), { direction: 'out', internalPort: 0, target: far });

    expect(mapping.view().state).toBe('waiting');
    expect(await endOf(connecting(at(mapping)))).toBe('ECONNRESET');
    expect(faults.list()).toEqual([{ kind: 'tcp', reason: 'no_way', count: 1 }]);
  });
});
