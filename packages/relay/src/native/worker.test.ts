import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { errAsync } from 'neverthrow';
import { afterEach, describe, expect, it } from 'vitest';
import { pass, waitFor } from '../../../../test/support/wait-for.js';
import type { DatagramOptions, Endpoint, FlowEnd, Leg } from '../contracts.js';
import { handRoute, type Lead, ledListener } from '../lead-to.test-support.js';
import { client, echo, endOf, HOST, handFlow, program } from '../loopback.test-support.js';
import { type NativeEngine, startNativeEngine } from '../native-engine.js';
import { POLL_FOR } from './native-limits.js';
import { launchFromSource, nativeIsMissing } from './trial.test-support.js';
import { launcher } from './worker-host.js';

const missing = await nativeIsMissing();

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Milliseconds of processor time in one second: what a look around each second takes, and not what polling would. */
const IDLE_MS = 100;

/** Long enough to be seen in the processor time of a thread. */
const POLLS_MS = 1_000;

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe.skipIf(missing !== null)(
  `the thread of the native engine${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    /** An engine, and its thread to be killed. */
    async function anEngine(): Promise<{ readonly engine: NativeEngine; readonly worker: Worker }> {
      const launch = launchFromSource();
      const workers: Worker[] = [];
      const started = await startNativeEngine({
        launch: (facts) => {
          const worker = launch(facts);
          workers.push(worker);
          return worker;
        },
      });
      const engine = started._unsafeUnwrap();
      const [worker] = workers;
      if (worker === undefined) throw new Error('no worker was started');
      closing.push(() => engine.close());
      return { engine, worker };
    }

    it('dies, and takes nothing with it: flows are reset, answers are errors, descriptors come back', async () => {
      const before = descriptors();
      const { engine, worker } = await anEngine();
      const to = await program(echo);
      const flow = handFlow();
      const legs: Leg[] = [];
      const joined: Promise<FlowEnd>[] = [];
      const listening = (await engine.listen({ address: HOST, port: 0 }, (leg) => void legs.push(leg)))._unsafeUnwrap();
      const [first, second] = [await client(listening.local), await client(listening.local)];
      await waitFor(() => legs.length === 2, 1_000, 'both to be taken');
      const far = (await engine.connect({ to, source: null, timeout: 1_000 }))._unsafeUnwrap();
      const spare = (await engine.connect({ to, source: null, timeout: 1_000 }))._unsafeUnwrap();
      if (legs[0] !== undefined) joined.push(engine.join(legs[0], far, flow));
      const reading = legs[1]?.read();
      const [firstEnd, secondEnd] = [endOf(first), endOf(second)];

      void worker.terminate();
      // A thread that sleeps in the kernel ends once it wakes.
      first.write('wake up');

      expect(await joined[0]).toBe('reset');
      expect(flow.told.ends).toEqual(['reset']);
      expect((await reading)?._unsafeUnwrapErr()).toEqual({ kind: 'failed', code: 'ESHUTDOWN' });
      expect([await firstEnd, await secondEnd]).toEqual(['ECONNRESET', 'ECONNRESET']);
      expect(await engine.gone).toBe('its thread ended');
      const gone = { kind: 'failed', code: 'ESHUTDOWN' };
      expect((await engine.connect({ to, source: null, timeout: 1_000 }))._unsafeUnwrapErr()).toEqual(gone);
      expect((await engine.listen({ address: HOST, port: 0 }, () => {}))._unsafeUnwrapErr()).toEqual(gone);
      expect((await spare.write(new Uint8Array(1)))._unsafeUnwrapErr()).toEqual(gone);
      await listening.close();
      to.close();
      await waitFor(() => descriptors() <= before, 2_000, 'every descriptor to come back');
    });

    it('dies with its datagrams: each flow is reset once, and descriptors come back', async () => {
      const before = descriptors();
      const { engine, worker } = await anEngine();
      const [echoing, peer] = [createSocket('udp4').bind(0, HOST), createSocket('udp4')];
      await once(echoing, 'listening');
      echoing.on('message', (bytes, { port }) => echoing.send(bytes, port, HOST));
      const flow = handFlow();
      const overs: unknown[] = [];
      const options: DatagramOptions = {
        at: { address: HOST, port: 0 },
        idle: 60_000,
        peers: 10,
        admit: () => ({ to: { address: HOST, port: echoing.address().port }, source: null, flow }),
        over: (fault) => void overs.push(fault),
        lost: () => {},
      };
      const open = (await engine.datagrams(options))._unsafeUnwrap();
      peer.send('hello', open.local.port, HOST);
      await once(peer, 'message');

      void worker.terminate();
      // A thread that sleeps in the kernel ends once it wakes.
      peer.send('wake up', open.local.port, HOST);

      await engine.gone;
      await waitFor(() => overs.length > 0, 2_000, 'the session to be over');
      expect(flow.told.ends).toEqual(['reset']);
      expect(overs).toEqual([null]);
      await open.close();
      const gone = { kind: 'failed', code: 'ESHUTDOWN' };
      expect((await engine.datagrams(options))._unsafeUnwrapErr()).toEqual(gone);
      echoing.close();
      peer.close();
      await waitFor(() => descriptors() <= before, 2_000, 'every descriptor to come back');
    });

    it('dies, and its exchanges are over: nobody waits for what they carried', async () => {
      const before = descriptors();
      const { engine, worker } = await anEngine();
      const silent = { heard: () => {}, mayGoOn: () => true, carried: () => {}, lost: () => {} };
      const open = engine.exchange ?? (() => errAsync({ kind: 'failed', code: 'ENOSYS' } as const));
      const exchange = (await open({ address: HOST, ...silent }))._unsafeUnwrap();
      const client = createSocket('udp4');

      void worker.terminate();
      client.send('wake up', exchange.local.port, HOST);

      await Promise.all([exchange.counted(), exchange.recall('ipv6'), exchange.close()]);
      await engine.gone;
      await Promise.all([exchange.counted(), exchange.close()]);
      const gone = { kind: 'failed', code: 'ESHUTDOWN' };
      expect((await open({ address: HOST, ...silent }))._unsafeUnwrapErr()).toEqual(gone);
      client.close();
      await waitFor(() => descriptors() <= before, 2_000, 'every descriptor to come back');
    });

    it('dies, and what it had led on by itself is reset and told of as such', async () => {
      const before = descriptors();
      const { engine, worker } = await anEngine();
      const to = await program(echo);
      const leads: Lead[] = [];
      const listening = await ledListener(
        { engine },
        handRoute(to, (lead) => void leads.push(lead)),
      );
      if (!('local' in listening)) throw new Error(listening.kind);
      const socket = await client(listening.local);
      await waitFor(() => leads.length === 1, 1_000, 'it to be told');
      const end = endOf(socket);

      void worker.terminate();
      socket.write('wake up');

      expect(await leads[0]?.over).toBe('reset');
      expect(await end).toBe('ECONNRESET');
      expect(leads[0]?.flow.told.ends).toEqual(['reset']);
      await listening.close();
      to.close();
      await waitFor(() => descriptors() <= before, 2_000, 'every descriptor to come back');
    });

    it('polls where that is asked for, as long after an event as it is told, and then sleeps', async () => {
      const to = await program(echo);
      closing.push(to.close);
      const [quick, plain] = [await aThread(true, POLLS_MS), await aThread(false)];
      expect([quick.pollFor, plain.pollFor]).toEqual([POLL_FOR, 0]);
      const [before, without] = [quick, plain].map(({ threads }) => processorTimeOf(threads));

      const sockets = [await exchanged(quick.engine, to), await exchanged(plain.engine, to)];

      const taken = (): number => processorTimeOf(quick.threads) - (before ?? 0);
      await waitFor(() => taken() > 2 * IDLE_MS, 5_000, 'it to poll');
      expect(processorTimeOf(plain.threads) - (without ?? 0)).toBeLessThan(2 * IDLE_MS);
      const isAtRest = async (): Promise<boolean> => {
        const then = taken();
        await pass(100);
        return taken() - then < IDLE_MS / 10;
      };
      await waitFor(isAtRest, 5_000, 'it to sleep');
      for (const socket of sockets) socket.destroy();
    });

    it('takes the processor for what is to be done only, also where it polls before it sleeps', async () => {
      const to = await program(echo);
      closing.push(to.close);
      const [quick, plain] = [await aThread(true), await aThread(false)];
      const sockets = [await exchanged(quick.engine, to), await exchanged(plain.engine, to)];
      const before = [quick, plain].map(({ threads }) => processorTimeOf(threads));

      await pass(1_000);

      const [idle = Number.NaN, without = Number.NaN] = [quick, plain].map(
        ({ threads }, i) => processorTimeOf(threads) - (before[i] ?? 0),
      );
      expect(quick.threads).not.toEqual([]);
      expect(idle).toBeLessThan(without + IDLE_MS);
      for (const socket of sockets) socket.destroy();
    });

    it('gives everything back when it is stopped', async () => {
      const before = descriptors();
      const { engine } = await anEngine();
      const to = await program(echo);
      const flow = handFlow();
      const joined: Promise<FlowEnd>[] = [];
      const listening = await engine.listen({ address: HOST, port: 0 }, (near) => {
        void engine
          .connect({ to, source: null, timeout: 1_000 })
          .map((far) => void joined.push(engine.join(near, far, flow)));
      });
      const socket = await client(listening._unsafeUnwrap().local);
      await waitFor(() => joined.length === 1, 1_000, 'the legs to be joined');
      const end = endOf(socket);

      await engine.close();

      expect(await engine.gone).toBeNull();
      expect(await joined[0]).toBe('reset');
      expect(await end).toBe('ECONNRESET');
      to.close();
      await waitFor(() => descriptors() <= before, 2_000, 'every descriptor to come back');
    });
  },
);

describe('a native engine that cannot be had', () => {
  it.each([
    ['addons are not allowed', launcher(new URL('../native-worker.ts', import.meta.url), ['--no-addons']), /./],
    ['its file is missing', launcher(new URL('./nowhere.js', import.meta.url)), /^its thread failed: .*nowhere\.js/],
    [
      'no thread can be started',
      () => {
        throw new Error('not here');
      },
      /^no thread can be started: Error: not here$/,
    ],
  ])('says why: %s', async (_, launch, sentence) => {
    const before = descriptors();

    const started = await startNativeEngine({ launch });

    expect(started._unsafeUnwrapErr()).toMatch(sentence);
    expect(descriptors()).toBeLessThanOrEqual(before);
  });
});

interface Thread {
  readonly engine: NativeEngine;
  /** As the kernel numbers them: that of the engine, and what Node has started beside it. */
  readonly threads: readonly string[];
  /** What it was to be told. */
  readonly pollFor: number | undefined;
}

/** `polls`: what it is told in place of that. */
async function aThread(lowLatency: boolean, polls?: number): Promise<Thread> {
  const before = readdirSync('/proc/self/task');
  let pollFor: number | undefined;
  const launch = launchFromSource();
  const started = await startNativeEngine({
    launch: (facts) => {
      pollFor = facts.pollFor;
      return launch({ ...facts, pollFor: polls ?? pollFor });
    },
    lowLatency,
  });
  const engine = started._unsafeUnwrap();
  closing.push(() => engine.close());
  const threads = readdirSync('/proc/self/task').filter((thread) => !before.includes(thread));
  return { engine, threads, pollFor };
}

/** In milliseconds; the first number of `schedstat` is in nanoseconds (Documentation/scheduler/sched-stats.rst). */
function processorTimeOf(threads: readonly string[]): number {
  const times = threads.map((thread) =>
    Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return times.reduce((sum, time) => sum + time, 0) / 1e6;
}

/** A connection that has carried something, and may carry more. */
async function exchanged(engine: NativeEngine, to: Endpoint): Promise<Socket> {
  const listening = await ledListener(
    { engine },
    handRoute(to, () => {}),
  );
  if (!('local' in listening)) throw new Error(listening.kind);
  const socket = await client(listening.local);
  socket.write('hello');
  await once(socket, 'data');
  return socket;
}
