import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { pass, waitFor } from '../../../test/support/wait-for.js';
import type { DatagramEngine, Endpoint, Engine, FlowEnd, Leg } from './contracts.js';
import {
  allOf,
  client,
  connecting,
  echo,
  endOf,
  type HandFlow,
  HOST,
  handFlow,
  program,
} from './loopback.test-support.js';
import { IDLE_LIMITS, type IdleLimits } from './stream-join.js';

/** An engine under test. */
export interface EngineOnTrial {
  readonly engine: Engine & DatagramEngine;
  /** It is to lead connections on by itself. */
  readonly leads?: true;
  close(): Promise<void>;
}

/**
 * What every engine holds, one test each.
 *
 * @param start called once for each set of limits.
 * @param skip why it cannot be tried here; null: it can.
 */
export function describeEngine(
  name: string,
  start: (limits: IdleLimits) => Promise<EngineOnTrial>,
  skip: string | null = null,
): void {
  describe.skipIf(skip !== null)(`the ${name} engine${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    const started = new Map<string, Promise<EngineOnTrial>>();
    const engineWith = async (change: Partial<IdleLimits> = {}): Promise<Engine> => {
      const limits = { ...IDLE_LIMITS, sweep: 10, ...change };
      const key = JSON.stringify(limits);
      const trial = started.get(key) ?? start(limits);
      started.set(key, trial);
      return (await trial).engine;
    };
    afterAll(async () => {
      for (const trial of started.values()) await (await trial).close();
    });
    joinedPairs(engineWith);
    legs(engineWith);
    connects(engineWith);
    listening(engineWith);
  });
}

type Start = (change?: Partial<IdleLimits>) => Promise<Engine>;

const closing: (() => unknown)[] = [];

interface Relay {
  readonly engine: Engine;
  readonly at: Endpoint;
  readonly flow: HandFlow;
  over(): Promise<FlowEnd>;
  joined(): boolean;
}

/** A relay between a client that connects to `at` and the program at `to`. */
async function relayOn(engine: Engine, serve: (socket: Socket) => void): Promise<Relay> {
  const to = await program(serve);
  const flow = handFlow();
  const legs: Leg[] = [];
  let joined: Promise<FlowEnd> = Promise.resolve('finished');
  const took = async (near: Leg): Promise<void> => {
    const far = await engine.connect({ to, source: HOST, timeout: 1_000 });
    legs.push(near, far._unsafeUnwrap());
    joined = engine.join(near, far._unsafeUnwrap(), flow);
  };
  const listening = (await engine.listen({ address: HOST, port: 0 }, (leg) => void took(leg)))._unsafeUnwrap();
  closing.push(() => listening.close(), to.close);
  const over = async (): Promise<FlowEnd> => {
    await waitFor(() => legs.length === 2, 2_000, 'the legs to be joined');
    return joined;
  };
  return { engine, at: listening.local, flow, over, joined: () => legs.length === 2 };
}

export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0)) await close();
}

function joinedPairs(engineWith: Start): void {
  describe('a joined pair', () => {
    const relay = async (serve: (socket: Socket) => void, limits: Partial<IdleLimits> = {}): Promise<Relay> =>
      relayOn(await engineWith(limits), serve);
    afterEach(closeAll);

    it('carries bytes both ways and passes on each side’s end', async () => {
      const { at, flow, over } = await relay(echo);
      const socket = await client(at);
      const bytes = randomBytes(1_000_000);

      socket.end(bytes);

      expect((await allOf(socket)).equals(bytes)).toBe(true);
      expect(await over()).toBe('finished');
      expect(flow.told).toEqual({ sent: 1_000_000, received: 1_000_000, ends: ['finished'] });
    });

    it('carries many large answers at once, each whole', async () => {
      const answers = Array.from({ length: 40 }, () => randomBytes(1_000_000));
      let served = 0;
      const { at } = await relay((socket) => {
        socket.resume().end(answers[served] ?? '');
        served += 1;
      });
      const read = answers.map(async () => {
        const socket = await client(at);
        socket.end();
        return (await allOf(socket)).toString('base64');
      });

      const whole = new Set(await Promise.all(read));
      expect(answers.filter((answer) => !whole.has(answer.toString('base64')))).toEqual([]);
    });

    it('brings an answer whole that is larger than what the kernel holds, to one who reads slowly', async () => {
      const answer = randomBytes(48_000_000);
      const { at, over } = await relay((socket) => void socket.resume().end(answer));
      const socket = await client(at);
      socket.end();
      let read = 0;
      for await (const chunk of socket) {
        const bytes = chunk as Buffer;
        expect(bytes.equals(answer.subarray(read, read + bytes.length))).toBe(true);
        read += bytes.length;
        // The relay, which has the same thread or one of its own, is faster than that.
        for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }

      expect(read).toBe(answer.length);
      expect(await over()).toBe('finished');
    });

    it('brings an answer that begins only after the client’s end', async () => {
      const { at, over } = await relay((socket) => {
        socket.resume().once('end', () => socket.end(Buffer.alloc(300_000, 7)));
      });
      const socket = await client(at);

      socket.end('that is all');

      expect((await allOf(socket)).length).toBe(300_000);
      expect(await over()).toBe('finished');
    });

    it('passes on an end that came before it was joined, and was all that came', async () => {
      const engine = await engineWith();
      const to = await program(echo);
      const came: Leg[] = [];
      const listening = (await engine.listen({ address: HOST, port: 0 }, (leg) => void came.push(leg)))._unsafeUnwrap();
      closing.push(() => listening.close(), to.close);
      const socket = await client(listening.local);
      socket.end();
      await once(socket, 'finish');
      // One that connects after that is accepted after that.
      const later = await client(listening.local);
      await waitFor(() => came.length === 2, 2_000, 'both to be accepted');
      const far = (await engine.connect({ to, source: HOST, timeout: 1_000 }))._unsafeUnwrap();

      const over = engine.join(came[0] as Leg, far, handFlow());

      expect((await allOf(socket)).length).toBe(0);
      expect(await over).toBe('finished');
      came[1]?.reset();
      await endOf(later);
    });

    it('passes a reset of the client on as a reset', async () => {
      const seen: Promise<string | null>[] = [];
      const { at, flow, over, joined } = await relay((socket) => void seen.push(endOf(socket)));
      const socket = await client(at);
      socket.write('x');
      await waitFor(() => joined() && flow.told.sent === 1, 2_000, 'the byte to pass');

      socket.resetAndDestroy();

      expect(await over()).toBe('reset');
      expect(await seen[0]).toBe('ECONNRESET');
    });

    it('passes a reset of the program on as a reset, with a FIN of the client on its way', async () => {
      const { at, over } = await relay((socket) => {
        socket.resume().once('end', () => socket.resetAndDestroy());
      });
      const socket = await client(at);
      const end = endOf(socket);

      socket.end('x');

      expect(await end).toBe('ECONNRESET');
      expect(await over()).toBe('reset');
    });

    it('stops reading while the other side takes nothing', async () => {
      const sockets: Socket[] = [];
      const { at, flow, over } = await relay((socket) => void sockets.push(socket.pause()));
      const socket = await client(at);
      const chunk = Buffer.alloc(1_000_000);
      for (let i = 0; i < 64; i++) socket.write(chunk);
      let last = -1;
      await waitFor(
        async () => {
          const now = flow.told.sent;
          const still = now > 0 && now === last;
          last = now;
          await pass(100);
          return still;
        },
        5_000,
        'the relay to stop reading',
      );

      expect(flow.told.sent).toBeLessThan(32_000_000);

      socket.end();
      sockets[0]?.resume().once('end', () => sockets[0]?.end());
      expect(await over()).toBe('finished');
      expect(flow.told.sent).toBe(64_000_000);
    });

    it('ends at once when its flow is aborted, though one side takes nothing', async () => {
      const { at, flow, over, joined } = await relay((socket) => void socket.pause());
      const socket = await client(at);
      const end = endOf(socket);
      for (let i = 0; i < 64; i++) socket.write(Buffer.alloc(1_000_000));
      socket.end();
      await waitFor(() => joined() && flow.told.sent > 0, 2_000, 'bytes to pass');

      flow.abort('tunnel_down');

      expect(await over()).toBe('tunnel_down');
      expect(['ECONNRESET', 'EPIPE']).toContain(await end);
      expect(flow.told.ends).toEqual(['tunnel_down']);
    });

    it('ends when nothing has moved for the idle limit, and not before', async () => {
      const { at, over, flow } = await relay(echo, { idle: 400 });
      const socket = await client(at);
      const end = endOf(socket);
      for (let i = 0; i < 10; i++) {
        socket.write('still here');
        await pass(60);
      }
      expect(flow.told.ends).toEqual([]);

      expect(await over()).toBe('idle');
      expect(await end).toBe('ECONNRESET');
    });

    it('ends sooner when one side has ended, but not while bytes still move', async () => {
      const { at, over, flow } = await relay(
        (socket) => {
          socket.resume();
          for (let after = 60; after <= 480; after += 60) setTimeout(() => socket.write('more'), after);
        },
        { halfClosed: 400 },
      );
      const socket = await client(at);
      socket.resume().on('error', () => {});
      const began = performance.now();

      socket.end();

      expect(await over()).toBe('half_closed_idle');
      expect(performance.now() - began).toBeGreaterThan(850);
      expect(flow.told.received).toBe(32);
    });

    it('gives back every descriptor, however it ends', async () => {
      await engineWith();
      const before = readdirSync('/proc/self/fd').length;
      for (let i = 0; i < 20; i++) {
        const { at, flow, over, joined } = await relay((socket) => void socket.resume());
        const socket = await client(at);
        socket.on('error', () => {}).resume();
        socket.write('x');
        await waitFor(joined, 2_000, 'the legs to be joined');
        // Among them the moment in which a FIN is about to be sent, where libuv refuses to reset.
        if (i % 3 === 0) socket.end();
        if (i % 3 === 1) socket.resetAndDestroy();
        await pass(i % 5);
        flow.abort('stopped');
        await over();
        socket.destroy();
        await closeAll();
      }

      await waitFor(() => readdirSync('/proc/self/fd').length <= before, 2_000, 'descriptors to be given back');
    });
  });
}

function legs(engineWith: Start): void {
  describe('a leg', () => {
    afterEach(closeAll);

    async function aLeg(serve: (socket: Socket) => void): Promise<Leg> {
      const to = await program(serve);
      closing.push(to.close);
      const engine = await engineWith();
      return (await engine.connect({ to, source: null, timeout: 1_000 }))._unsafeUnwrap();
    }

    it('is read piece by piece, until null after the other side’s end', async () => {
      const leg = await aLeg((socket) => socket.end('hello'));

      expect(Buffer.from((await leg.read())._unsafeUnwrap() ?? []).toString()).toBe('hello');
      expect((await leg.read())._unsafeUnwrap()).toBeNull();
      leg.end();
    });

    it('gives back what was put back, even after the other side’s end', async () => {
      const leg = await aLeg((socket) => socket.end('hello'));
      const first = (await leg.read())._unsafeUnwrap() ?? new Uint8Array();
      expect((await leg.read())._unsafeUnwrap()).toBeNull();

      leg.unread(first);

      expect(Buffer.from((await leg.read())._unsafeUnwrap() ?? []).toString()).toBe('hello');
      leg.end();
    });

    it('says that it was reset, and that a wait was called off', async () => {
      const reset = await aLeg((socket) => void socket.once('data', () => socket.resetAndDestroy()));
      await reset.write(Buffer.from('x'));
      expect((await reset.read())._unsafeUnwrapErr()).toEqual({ kind: 'reset' });

      const silent = await aLeg(() => {});
      const called = new AbortController();
      const waiting = silent.read(called.signal);
      called.abort();
      expect((await waiting)._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
      silent.reset();
    });

    it('gives its descriptor back when it is reset in the moment in which its FIN is on its way', async () => {
      const sockets: Socket[] = [];
      const leg = await aLeg((socket) => void sockets.push(socket.resume()));
      await waitFor(() => sockets.length === 1, 1_000, 'the program to be reached');
      const before = readdirSync('/proc/self/fd').length;

      void leg.write(Buffer.from('x'));
      leg.end();
      leg.reset();

      // The program’s socket for half-open connections stays: one less is the leg’s.
      await waitFor(() => readdirSync('/proc/self/fd').length < before, 1_000, 'the descriptor to be given back');
    });

    it('passes on what was put back first, once it is joined', async () => {
      const engine = await engineWith();
      const to = await program(echo);
      const flow = handFlow();
      const listening = (
        await engine.listen({ address: HOST, port: 0 }, (near) => {
          void (async () => {
            const first = (await near.read())._unsafeUnwrap() ?? new Uint8Array();
            near.unread(first.subarray(3));
            const far = (await engine.connect({ to, source: null, timeout: 1_000 }))._unsafeUnwrap();
            await engine.join(near, far, flow);
          })();
        })
      )._unsafeUnwrap();
      closing.push(() => listening.close(), to.close);
      const socket = await client(listening.local);

      socket.end('abcdefgh');

      expect((await allOf(socket)).toString()).toBe('defgh');
      await waitFor(() => flow.told.ends.length === 1, 1_000, 'the flow to end');
      expect(flow.told).toMatchObject({ sent: 5, received: 5 });
    });
  });
}

function connects(engineWith: Start): void {
  describe('connecting', () => {
    afterEach(closeAll);

    it('says why it did not come about', async () => {
      const engine = await engineWith();
      const gone = await program(echo);
      gone.close();

      expect((await engine.connect({ to: gone, source: null, timeout: 1_000 }))._unsafeUnwrapErr()).toEqual({
        kind: 'refused',
      });
      const aborted = AbortSignal.abort();
      expect(
        (await engine.connect({ to: gone, source: null, timeout: 1, signal: aborted }))._unsafeUnwrapErr(),
      ).toEqual({
        kind: 'aborted',
      });
    });

    it('gives up in time on somebody who does not answer, and at once when it is called off', async () => {
      const engine = await engineWith();
      const to = await deaf();
      const called = new AbortController();

      const waiting = engine.connect({ to, source: null, timeout: 5_000, signal: called.signal });
      setImmediate(() => called.abort());
      const began = performance.now();
      const late = await engine.connect({ to, source: null, timeout: 150 });

      expect(late._unsafeUnwrapErr()).toEqual({ kind: 'timed_out' });
      expect(performance.now() - began).toBeGreaterThan(140);
      expect((await waiting)._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
    });

    it('never leaves from another address than the one it was given', async () => {
      const engine = await engineWith();
      const sources: (string | undefined)[] = [];
      const to = await program((socket) => void sources.push(socket.remoteAddress));
      closing.push(to.close);

      const other = (await engine.connect({ to, source: '127.0.0.9', timeout: 1_000 }))._unsafeUnwrap();
      await waitFor(() => sources.length === 1, 1_000, 'the program to be reached');
      const gone = await engine.connect({ to, source: '192.0.2.77', timeout: 1_000 });
      const family = await engine.connect({ to, source: '2001:db8::77', timeout: 1_000 });

      expect(sources).toEqual(['127.0.0.9']);
      expect(other.local.address).toBe('127.0.0.9');
      expect(gone._unsafeUnwrapErr()).toEqual({ kind: 'no_source' });
      expect(family._unsafeUnwrapErr()).toEqual({ kind: 'no_source' });
      other.reset();
    });
  });
}

function listening(engineWith: Start): void {
  describe('listening', () => {
    afterEach(closeAll);

    it('says what is in the way', async () => {
      const engine = await engineWith();
      const taken = await program(echo);
      closing.push(taken.close);

      expect((await engine.listen(taken, () => {}))._unsafeUnwrapErr()).toEqual({ kind: 'taken' });
      expect((await engine.listen({ address: '2001:db8::77', port: 0 }, () => {}))._unsafeUnwrapErr()).toEqual({
        kind: 'no_address',
      });
    });

    it('takes no IPv4 at an IPv6 address, and says which of its addresses a client came to', async () => {
      const engine = await engineWith();
      const legs: Leg[] = [];
      const everywhere = (
        await engine.listen({ address: '::', port: 0 }, (leg) => void legs.push(leg))
      )._unsafeUnwrap();
      closing.push(() => everywhere.close());
      const { port } = everywhere.local;

      const refused = await engine.connect({ to: { address: HOST, port }, source: null, timeout: 1_000 });
      const socket = await client({ address: '::1', port });
      await waitFor(() => legs.length === 1, 1_000, 'the connection to be taken');

      expect(refused._unsafeUnwrapErr()).toEqual({ kind: 'refused' });
      expect(legs[0]?.local).toEqual({ address: '::1', port });
      expect(legs[0]?.remote).toEqual({ address: '::1', port: socket.localPort });
      legs[0]?.reset();
      socket.destroy();
    });

    it('frees the port while connections go on', async () => {
      const engine = await engineWith();
      const legs: Leg[] = [];
      const first = (await engine.listen({ address: HOST, port: 0 }, (leg) => void legs.push(leg)))._unsafeUnwrap();
      const socket = await client(first.local);
      await waitFor(() => legs.length === 1, 1_000, 'the connection to be taken');

      await first.close();
      const second = await engine.listen(first.local, () => {});

      expect(second.isOk()).toBe(true);
      await second._unsafeUnwrap().close();
      socket.write('still there');
      expect(Buffer.from((await legs[0]?.read())?._unsafeUnwrap() ?? []).toString()).toBe('still there');
      const end = endOf(socket);
      legs[0]?.reset();
      expect(await end).toBe('ECONNRESET');
    });
  });
}

/** A listener of a process that is stopped, with its queue full: the kernel answers no further SYN. */
export async function deaf(host = HOST): Promise<Endpoint> {
  const code = `const s = require('net').createServer().listen({ port: 0, host: '${host}', backlog: 1 }, () => {
    process.send(s.address().port);
  })`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  closing.push(() => void child.kill('SIGKILL'));
  const [port] = (await once(child, 'message')) as [number];
  child.kill('SIGSTOP');
  const waiting: Socket[] = [];
  closing.push(() => waiting.forEach((socket) => socket.destroy()));
  await waitFor(
    async () => {
      const socket = connecting({ address: host, port });
      waiting.push(socket);
      await pass(50);
      return socket.connecting;
    },
    5_000,
    'the queue to be full',
  );
  return { address: host, port };
}
