import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { pass, waitFor } from '../../../test/support/wait-for.js';
import type { DatagramEngine, Endpoint, Engine, Ways } from './contracts.js';
import { FlowTable, type FlowTotals } from './flows.js';
import { allOf, aWay, client, connecting, echo, endOf, handWays, program } from './loopback.test-support.js';
import { enginesOf, MAPPING_ENGINES } from './mapping-engines.test-support.js';
import type { MappingSpec } from './mapping-spec.js';
import { aBench, aRequest } from './mappings.test-support.js';
import { at, type OpenMapping, openMapping, serving } from './open-mapping.test-support.js';

// What a TCP mapping promises, whichever engine carries it and whether or not that asks about each connection.

const A = aWay({ tunnel: 'a', address: '127.0.0.2' });
const B = aWay({ tunnel: 'b', address: '127.0.0.3', primary: false });

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const debugged = ({ lines }: OpenMapping): readonly string[] => lines.filter((line) => line.startsWith('debug'));

/** Resolves to whether it is answered. */
async function answered(to: Endpoint): Promise<Socket | null> {
  const socket = connecting(to);
  const end = endOf(socket);
  const first = once(socket, 'data').then(() => true as const);
  first.catch(() => {});
  socket.write('x');
  return (await Promise.race([first, end])) === true ? socket : null;
}

for (const [name, start, skip] of MAPPING_ENGINES)
  describe.skipIf(skip !== null)(`a TCP mapping on ${name}${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    const engineWith = enginesOf(start);
    const open = async (parts: Partial<MappingSpec>, ways: Ways = handWays(A, B), engine?: Engine & DatagramEngine) =>
      openMapping(ways, parts, { engine: engine ?? (await engineWith()) });
    const limited = async (parts: { limit?: number; perClient?: number }, here: Endpoint) => {
      const ways = handWays(A, B);
      const flows = new FlowTable({ ways, now: () => 0, ...parts });
      return openMapping(ways, { internalPort: here.port }, { flows, engine: await engineWith() });
    };

    it('shows who goes through, counts what it carried, and says how it ended', async () => {
      const here = await serving();
      const bench = await open({ internalPort: here.port });
      const { mapping, flows } = bench;
      const socket = await client(at(mapping));
      socket.write('hello');
      await once(socket, 'data');
      await waitFor(() => flows.list()[0]?.received === 5, 2_000, 'the bytes to be counted');

      expect(flows.list()).toMatchObject([
        {
          kind: 'tcp',
          origin: 'mapping tcp 0',
          client: { address: '127.0.0.1', port: socket.localPort },
          target: { address: '127.0.0.1', port: here.port },
          tunnel: 'a',
          sent: 5,
        },
      ]);
      socket.end(' and goodbye');
      expect((await allOf(socket)).toString()).toBe(' and goodbye');
      await waitFor(() => flows.size === 0, 2_000, 'the flow to end');
      expect(flows.totals()[0]).toMatchObject({ active: 0, sent: 17, received: 17, ended: { finished: 1, reset: 0 } });
      expect(debugged(bench)).toEqual(['debug: mapping tcp 0: a connection ended: finished']);
    });

    it('passes an answer that begins only after the client’s end', async () => {
      const here = await serving((socket) => {
        socket.resume().once('end', () => socket.end(Buffer.alloc(300_000, 7)));
      });
      const { mapping } = await open({ internalPort: here.port });
      const socket = await client(at(mapping));

      socket.end('that is all');

      expect((await allOf(socket)).length).toBe(300_000);
    });

    it('passes resets on as resets, both ways', async () => {
      const seen: Promise<string | null>[] = [];
      const here = await serving((socket) => {
        seen.push(endOf(socket));
        socket.on('data', (bytes) => {
          if (String(bytes) === 'reset me') socket.resetAndDestroy();
          else socket.write(bytes);
        });
      });
      const { mapping, flows } = await open({ internalPort: here.port });
      const [first, second] = [await client(at(mapping)), await client(at(mapping))];
      const secondEnd = endOf(second);
      first.write('hello');
      await once(first, 'data');

      first.resetAndDestroy();
      second.write('reset me');

      expect(await seen[0]).toBe('ECONNRESET');
      expect(await secondEnd).toBe('ECONNRESET');
      const ended = (): FlowTotals['ended'] | undefined => flows.totals()[0]?.ended;
      await waitFor(() => ended()?.reset === 2, 2_000, 'the flows to end');
      expect(ended()).toMatchObject({ finished: 0, reset: 2 });
    });

    it('resets clients whose target refuses, counts them by kind, and is none the worse', async () => {
      const gone = await program(echo);
      gone.close();
      const bench = await open({ internalPort: gone.port });
      const { mapping, faults, flows } = bench;

      const ends = await Promise.all(Array.from({ length: 8 }, () => endOf(connecting(at(mapping)))));
      await waitFor(() => faults.list()[0]?.count === 8, 2_000, 'them to be counted');

      expect(new Set(ends)).toEqual(new Set(['ECONNRESET']));
      expect(faults.list()).toEqual([{ kind: 'tcp', reason: 'refused', count: 8 }]);
      expect(flows.size).toBe(0);
      expect(flows.totals()[0]).toMatchObject({ ended: { reset: 8 } });
      expect(debugged(bench)[0]).toBe(
        `debug: mapping tcp 0: a connection was refused: 127.0.0.1:${gone.port}: refused`,
      );
    });

    it('never leaves from another address than its tunnel’s', async () => {
      const far = await serving();
      const ways = handWays(aWay({ tunnel: 'a', address: '192.0.2.77' }));
      const { mapping, faults } = await open({ direction: 'out', internalPort: 0, target: far }, ways);

      expect(await endOf(connecting(at(mapping)))).toBe('ECONNRESET');
      await waitFor(() => faults.list().length > 0, 2_000, 'it to be counted');
      expect(faults.list()).toEqual([{ kind: 'tcp', reason: 'no_source', count: 1 }]);
    });

    it('follows the primary from the next connection on', async () => {
      const sources: (string | undefined)[] = [];
      const far = await serving((socket) => {
        sources.push(socket.remoteAddress);
        socket.end();
      });
      const ways = handWays(A, B);
      const { mapping } = await open({ direction: 'out', internalPort: 0, target: far }, ways);
      for (const primary of ['a', 'b', 'a', 'b']) {
        ways.set({ ...A, primary: primary === 'a' }, { ...B, primary: primary === 'b' });
        const socket = await client(at(mapping));
        await once(socket.resume().end(), 'close');
      }

      expect(sources).toEqual(['127.0.0.2', '127.0.0.3', '127.0.0.2', '127.0.0.3']);
    });

    it.each([
      [{ limit: 5 }, 'too_many_flows'],
      [{ perClient: 5 }, 'too_many_of_client'],
    ] as const)('takes no more than there is room for, of a crowd that comes at once: %o', async (limits, refusal) => {
      let most = 0;
      const living = new Set<Socket>();
      const here = await serving((socket) => {
        living.add(socket);
        most = Math.max(most, living.size);
        socket.on('close', () => living.delete(socket)).pipe(socket);
      });
      const { mapping, flows } = await limited(limits, here);

      const crowd = await Promise.all(Array.from({ length: 30 }, () => answered(at(mapping))));

      const taken = crowd.filter((socket) => socket !== null);
      expect(taken).toHaveLength(5);
      expect(most).toBe(5);
      await waitFor(() => flows.size === 5, 2_000, 'them to be listed');
      expect(flows.totals()[0]?.refused[refusal]).toBe(25);
      for (const socket of taken) socket.destroy();
      await waitFor(() => flows.size === 0, 2_000, 'them to end');
      const next = await answered(at(mapping));
      expect(next).not.toBeNull();
      next?.destroy();
    });

    it('ends what goes through a tunnel that is lost at once, though it has only just begun', async () => {
      const ways = handWays(A, B);
      let reached = (): void => {};
      const here = await serving((socket) => {
        socket.on('error', () => {});
        reached();
      });
      const { mapping, flows } = await open({ internalPort: here.port }, ways);
      for (let i = 0; i < 5; i += 1) {
        const one = new Promise<void>((resolve) => {
          reached = resolve;
        });
        const socket = await client(at(mapping));
        const end = endOf(socket);
        await one;

        ways.set({ ...A, liveness: 'hard_down' }, B);

        expect(await end).toBe('ECONNRESET');
        await waitFor(() => flows.size === 0, 2_000, 'the flow to end');
        ways.set(A, B);
      }
      expect(flows.totals()[0]).toMatchObject({ ended: { tunnel_down: 5, reset: 0 } });
    });

    it('is taken away with all that goes through it, though it has only just begun', async () => {
      let reached = (): void => {};
      const one = new Promise<void>((resolve) => {
        reached = resolve;
      });
      const here = await serving((socket) => {
        socket.on('error', () => {});
        reached();
      });
      const { mappings, flows, lines } = aBench(handWays(A, B), { engine: await engineWith() });
      closing.push(() => mappings.stop());
      await mappings.map(aRequest({ internalPort: here.port }));
      const port = Number(/:(\d+)$/.exec(lines[0] ?? '')?.[1]);
      const socket = await client({ address: '127.0.0.2', port });
      const end = endOf(socket);
      await one;

      expect((await mappings.unmap('tcp', 0)).isOk()).toBe(true);

      expect(await end).toBe('ECONNRESET');
      await waitFor(() => flows.totals()[0]?.ended.stopped === 1, 2_000, 'the flow to end');
      expect(flows.size).toBe(0);
    });

    it('leads on what arrives by a tunnel that is called unreachable', async () => {
      const ways = handWays(A, B);
      const here = await serving();
      const { mapping, flows } = await open({ internalPort: here.port }, ways);
      ways.set({ ...A, liveness: 'hard_down' }, B);

      const socket = await answered(at(mapping));
      await waitFor(() => flows.size === 1, 2_000, 'the flow to be listed');
      await pass(50);

      expect(flows.list()).toMatchObject([{ tunnel: 'a' }]);
      expect(socket?.destroyed).toBe(false);
      socket?.destroy();
    });

    it('looks into what may be a probe of ours, and passes on what is none', async () => {
      const seen: string[] = [];
      const here = await serving((socket) => {
        socket.on('data', (bytes) => {
          seen.push(String(bytes));
          socket.write(bytes);
        });
      });
      const { mapping, flows, nonces } = await open({ internalPort: here.port });
      const nonce = nonces.expect('127.0.0.1');
      let isArrived = false;
      void nonce?.arrived.then(() => {
        isArrived = true;
      });
      const probe = await client(at(mapping));
      probe.end(nonce?.bytes ?? '');
      expect(await endOf(probe)).toBeNull();
      expect(isArrived).toBe(true);

      const other = await client(at(mapping));
      other.write('no probe');

      expect(String((await once(other, 'data'))[0])).toBe('no probe');
      expect(seen).toEqual(['no probe']);
      await waitFor(() => flows.size === 1, 2_000, 'the flow to be listed');
      expect(flows.totals()[0]).toMatchObject({ active: 1, ended: { finished: 0, reset: 0 } });
      other.destroy();
    });

    it('ends what is idle, and sooner what is half closed, but nothing that still moves', async () => {
      const here = await serving((socket) => {
        socket.resume().once('data', () => {
          for (let after = 60; after <= 480; after += 60) setTimeout(() => socket.write('more'), after);
        });
      });
      const engine = await engineWith({ idle: 800, halfClosed: 400 });
      const { mapping, flows } = await open({ internalPort: here.port }, handWays(A), engine);
      const began = performance.now();
      const [half, idle] = [await client(at(mapping)), await client(at(mapping))];
      idle.write('x');
      const ends = [half, idle].map((socket) => endOf(socket));
      half.end('x');

      expect(await Promise.all(ends)).toEqual(['ECONNRESET', 'ECONNRESET']);
      expect(performance.now() - began).toBeGreaterThan(1_250);
      await waitFor(() => flows.size === 0, 2_000, 'them to end');
      expect(flows.totals()[0]).toMatchObject({ ended: { half_closed_idle: 1, idle: 1 }, received: 64 });
    });

    it('frees its port when it is closed, while connections go on, until they are drained', async () => {
      const here = await serving();
      const { mapping, flows } = await open({ internalPort: here.port });
      const to = at(mapping);
      const sockets = await Promise.all(Array.from({ length: 4 }, () => client(to)));
      for (const socket of sockets) {
        socket.write('x');
        await once(socket, 'data');
      }

      await mapping.close();

      expect(flows.size).toBe(4);
      expect(await endOf(connecting(to))).toBe('ECONNREFUSED');
      const [first, ...others] = sockets;
      first?.write('still here');
      expect(String((await once(first as Socket, 'data'))[0])).toBe('still here');
      first?.destroy();
      const ends = others.map((socket) => endOf(socket));
      expect(await flows.drain(50)).toBe(3);
      expect(await Promise.all(ends)).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
      await waitFor(() => flows.size === 0, 2_000, 'them to end');
      expect(flows.totals()[0]?.ended.stopped).toBe(3);
    });

    it('forgets nothing of many that come and go, and keeps no descriptor of theirs', async () => {
      const here = await serving((socket) => void socket.once('data', (bytes) => socket.end(bytes)));
      const { mapping, flows } = await open({ internalPort: here.port });
      const before = readdirSync('/proc/self/fd').length;
      const one = async (): Promise<string> => {
        const socket = await client(at(mapping));
        socket.end('ping');
        return (await allOf(socket)).toString();
      };

      for (let i = 0; i < 10; i += 1)
        expect(new Set(await Promise.all(Array.from({ length: 30 }, one)))).toEqual(new Set(['ping']));

      await waitFor(() => flows.totals()[0]?.ended.finished === 300, 2_000, 'the flows to end');
      expect(flows.totals()[0]).toMatchObject({
        active: 0,
        sent: 1_200,
        received: 1_200,
        ended: { finished: 300, reset: 0 },
      });
      await waitFor(() => readdirSync('/proc/self/fd').length <= before, 2_000, 'descriptors to come back');
    });
  });
