import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { parseConfig } from '@hurricane/core';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { Caller, ConnectError, Endpoint, Handshakes, Heard, Leg, Listening } from '../contracts.js';
import { closeAll, deaf } from '../engine-contract.test-support.js';
import { EngineInUse } from '../engine-in-use.js';
import {
  aFlowTable,
  attemptsTo,
  aWay,
  client,
  echo,
  endOf,
  HOST,
  handFlow,
  handWays,
  program,
} from '../loopback.test-support.js';
import { type NativeEngine, startNativeEngine } from '../native-engine.js';
import { writeReply } from '../socks5/codec-write.js';
import { socks5SettingsOf } from '../socks5/from-config.js';
import { serveSocks5 } from '../socks5/serve.js';
import { IDLE_LIMITS } from '../stream-join.js';
import { inlineTrial, launchFromSource, nativeIsMissing } from './trial.test-support.js';

// What an engine does with the SOCKS5 clients that it hears; what they see of it is in socks5/engines.test.ts.

const missing = await nativeIsMissing();
const NONE = Uint8Array.of(5, 1, 0);
const PATIENCE = 2_000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await closeAll();
});

interface Stage {
  readonly engine: NativeEngine;
  readonly listening: Listening;
  readonly handedOver: { readonly leg: Leg; readonly heard: Heard | undefined }[];
}

async function aStage(terms: Partial<Handshakes>): Promise<Stage> {
  const { engine, close } = await inlineTrial({ ...IDLE_LIMITS, sweep: 10 });
  const handedOver: { leg: Leg; heard: Heard | undefined }[] = [];
  const at = { address: HOST, port: 0 };
  const opened = await engine.listen(at, (leg, heard) => void handedOver.push({ leg, heard }));
  const listening = opened._unsafeUnwrap();
  listening.shakeHands?.({ clients: [], patience: 60_000, atOnce: 10, asked: (caller) => caller.reset(), ...terms });
  closing.push(close, () => handedOver.forEach(({ leg }) => leg.reset()));
  return { engine, listening, handedOver };
}

/** The request has the same form as a reply. */
function requestTo(to: Endpoint): Uint8Array {
  const request = writeReply('succeeded', to);
  request[1] = 1;
  return request;
}

/** A client that wants to be connected to there. */
async function asking(at: Endpoint, to: Endpoint): ReturnType<typeof client> {
  const socket = await client(at);
  socket.write(Buffer.concat([NONE, requestTo(to)]));
  return socket;
}

/** The same, once it has been answered. Null: it was not. */
async function answered(at: Endpoint, to: Endpoint): Promise<Socket | null> {
  const socket = await asking(at, to).catch(() => null);
  if (socket === null) return null;
  const isAnswered = await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true)).once('close', () => resolve(false));
  });
  return isAnswered ? socket : null;
}

describe.skipIf(missing !== null)(`SOCKS5 clients of a loop${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  it('are told of with who they are and where to they want, and nothing is handed over', async () => {
    const callers: Caller[] = [];
    const { listening, handedOver } = await aStage({
      asked: (caller) => {
        callers.push(caller);
        caller.reset();
      },
    });

    const socket = await asking(listening.local, { address: '2001:db8::1', port: 443 });
    const { localPort } = socket;

    expect(await endOf(socket)).toBe('ECONNRESET');
    expect(callers).toHaveLength(1);
    expect(callers[0]?.client).toEqual({ address: HOST, port: localPort });
    expect(callers[0]?.to).toEqual({ address: '2001:db8::1', port: 443 });
    expect(handedOver).toEqual([]);
  });

  it('may be taken over as they are, with all that comes after their request', async () => {
    const legs: Leg[] = [];
    const { listening } = await aStage({ asked: (caller) => void legs.push(caller.take()) });
    const socket = await asking(listening.local, { address: '192.0.2.1', port: 80 });
    await waitFor(() => legs.length === 1, PATIENCE, 'one to be taken');
    const [leg] = legs;

    socket.write('more');

    expect(leg?.local).toEqual(listening.local);
    expect(leg?.remote).toEqual({ address: HOST, port: socket.localPort });
    expect((await leg?.read())?._unsafeUnwrap()).toEqual(new Uint8Array(Buffer.from('more')));
    leg?.reset();
    socket.destroy();
  });

  it('are handed over when they take their time, with what they have said since they were greeted', async () => {
    const { listening, handedOver } = await aStage({ patience: 30 });
    const socket = await client(listening.local);
    socket.write(Buffer.concat([NONE, Uint8Array.of(5, 1)]));
    await waitFor(() => handedOver.length === 1, PATIENCE, 'it to be handed over');

    const [slow] = handedOver;
    expect(slow?.heard?.isGreeted).toBe(true);
    expect(slow?.heard?.age).toBeGreaterThanOrEqual(30);
    expect((await slow?.leg.read())?._unsafeUnwrap()).toEqual(Uint8Array.of(5, 1));
    socket.destroy();
  });

  it('are handed over at once where there are too many, and heard again when one has gone', async () => {
    const { listening, handedOver } = await aStage({ atOnce: 1 });
    const first = await client(listening.local);
    first.write(NONE);
    await once(first, 'data');

    const second = await client(listening.local);
    await waitFor(() => handedOver.length === 1, PATIENCE, 'the second to be handed over');
    expect(handedOver[0]?.heard).toBeUndefined();
    expect(handedOver[0]?.leg.remote.port).toBe(second.localPort);

    first.end();
    await waitFor(() => handedOver.length === 2, PATIENCE, 'the first to be handed over at its end');
    const third = await client(listening.local);
    third.write(NONE);
    await once(third, 'data');
    expect(handedOver).toHaveLength(2);
    for (const socket of [first, second, third]) socket.destroy();
  });

  it('have their answer in time, or whoever decides about them has an error', async () => {
    const silent = await deaf();
    const failed: { readonly error: ConnectError; readonly leg: Leg }[] = [];
    const { listening } = await aStage({
      asked: (caller) => {
        const recall = caller.connect(null, caller.to.port === silent.port ? 100 : 60_000, {
          begun: () => null,
          failed: (error, leg) => {
            failed.push({ error, leg });
            leg.end();
          },
        });
        if (calledOff) recall();
      },
    });
    let calledOff = false;

    const late = await asking(listening.local, silent);
    expect(await endOf(late)).toBe(null);
    calledOff = true;
    const recalled = await asking(listening.local, silent);
    expect(await endOf(recalled)).toBe(null);

    expect(failed.map(({ error }) => error)).toEqual([{ kind: 'timed_out' }, { kind: 'aborted' }]);
    late.destroy();
    recalled.destroy();
  });

  it('leave from their source and no other', async () => {
    const here = await program(echo);
    closing.push(here.close);
    const failed: ConnectError[] = [];
    const sources = ['127.0.0.9', '192.0.2.77', '2001:db8::77', 'nonsense'];
    const seen: (string | undefined)[] = [];
    const { listening } = await aStage({
      asked: (caller) => {
        caller.connect(sources.shift() ?? null, 1_000, {
          begun: () => handFlow(),
          failed: (error, leg) => {
            failed.push(error);
            leg.end();
          },
        });
      },
    });

    const first = await asking(listening.local, here);
    const answer = await new Promise<Buffer>((resolve) => {
      const all: Buffer[] = [];
      first.on('data', (bytes) => {
        all.push(bytes);
        if (Buffer.concat(all).length >= 12) resolve(Buffer.concat(all));
      });
    });
    seen.push(answer.subarray(6, 10).join('.'));
    first.destroy();
    for (let i = 0; i < 3; i += 1) expect(await endOf(await asking(listening.local, here))).toBe(null);

    expect(seen).toEqual(['127.0.0.9']);
    expect(failed).toEqual([{ kind: 'no_source' }, { kind: 'no_source' }, { kind: 'no_source' }]);
  });

  it('that must not be connected after all are reset', async () => {
    const here = await program(echo);
    closing.push(here.close);
    const { listening } = await aStage({
      asked: (caller) => void caller.connect(null, 1_000, { begun: () => null, failed: () => {} }),
    });

    expect(await endOf(await asking(listening.local, here))).toBe('ECONNRESET');
  });

  it('are all let go when their thread dies, and served by the portable engine from then on', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const workers: Worker[] = [];
    const launch = launchFromSource();
    const started = await startNativeEngine({
      launch: (facts) => {
        workers.push(launch(facts));
        return workers[0] as Worker;
      },
    });
    const engine = new EngineInUse({
      log: { log: () => {} },
      startNative: async () => ({ engine: started._unsafeUnwrap() }),
    });
    await engine.choose('native');
    const here = await program(echo);
    const text = '[tunnel.a]\ntype = external\n[exposure.socks5]\nallow_destinations = 127.0.0.1\n';
    const settings = { ...socks5SettingsOf(parseConfig(text)._unsafeUnwrap()), listen: { address: HOST, port: 0 } };
    const flows = aFlowTable();
    const ways = handWays(aWay());
    const served = await serveSocks5({ engine, ways, flows, settings, log: { log: () => {} } });
    const server = served._unsafeUnwrap();
    const silent = await deaf();
    const attempts = attemptsTo(silent);
    const [carried, waits, greets] = [
      await asking(server.local, here),
      await asking(server.local, silent),
      await client(server.local),
    ];
    await waitFor(() => flows.size === 1, PATIENCE, 'one to be carried');
    await waitFor(() => attemptsTo(silent) === attempts + 1, PATIENCE, 'one to wait for its connection');
    greets.write(NONE);
    await once(greets, 'data');
    expect(server.counts().opening).toBe(2);
    const ends = [carried, waits, greets].map(endOf);

    void workers[0]?.terminate();
    carried.write('wake up');

    expect(await Promise.all(ends)).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
    await waitFor(() => flows.size + server.counts().opening === 0, PATIENCE, 'all to be let go');
    expect(flows.totals()[0]?.ended).toMatchObject({ reset: 1 });
    const again = await waitFor(() => answered(server.local, here), 5_000, 'the portable engine to take over');
    await waitFor(() => flows.size === 1, PATIENCE, 'a flow');
    again.destroy();
    await server.close();
    await engine.close();
    here.close();
    await closeAll();
    await waitFor(() => readdirSync('/proc/self/fd').length <= before, PATIENCE, 'every descriptor to come back');
  });
});
