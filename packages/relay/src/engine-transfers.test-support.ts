import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.js';
import type { Endpoint, FlowEnd } from './contracts.js';
import type { EngineOnTrial } from './engine-contract.test-support.js';
import { type Lead, leadTo } from './lead-to.test-support.js';
import { allOf, client, endOf, type HandFlow, program } from './loopback.test-support.js';
import { RawClient } from './native/raw-client.test-support.js';
import { ECONNRESET } from './native/sys.js';
import { realSys } from './native/trial.test-support.js';
import { IDLE_LIMITS, type IdleLimits } from './stream-join.js';

/** Of each of the four kinds. */
const EACH = 100;
const AT_ONCE = 10;
const MEGABYTE = randomBytes(1_000_000);

/** By its first byte a client says what it wants. */
const SERVICES: Readonly<Record<string, (socket: Socket, first: Buffer) => void>> = {
  e: (socket, first) => {
    socket.write(first);
    socket.pipe(socket);
  },
  m: (socket) => socket.resume().end(MEGABYTE),
  r: (socket, first) => {
    const hash = createHash('sha256').update(first);
    socket.on('data', (bytes) => void hash.update(bytes)).once('end', () => socket.end(hash.digest('hex')));
  },
  x: (socket) => void socket.resetAndDestroy(),
  y: (socket) => void socket.write('now reset'),
};

/** Bytes, FINs and resets through an engine: 400 transfers of four kinds, and a reset at every stage from each side. */
export function describeTransfers(
  name: string,
  start: (limits: IdleLimits) => Promise<EngineOnTrial>,
  skip: string | null,
  /** Resets that it does not hear of, as `STAGES` has them, or `bulk`. */
  deafTo: readonly string[] = [],
): void {
  describe.skipIf(skip !== null)(`what the ${name} engine carries${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let trial: EngineOnTrial;
    beforeAll(async () => {
      trial = await start({ ...IDLE_LIMITS, sweep: 10 });
    });
    afterAll(() => trial.close());

    it(`arrives whole in ${4 * EACH} transfers, with its ends and resets as they were`, { timeout: 120_000 }, () =>
      transfers(trial),
    );
    const stages = STAGES.filter(([stage, who]) => !deafTo.includes(`${stage}, ${who}`));
    it.each(stages)('is reset on the other side too: %s, by the %s', async (stage, who) => resetAt(trial, stage, who));
    const bulk = deafTo.includes('bulk')
      ? []
      : ([['reads', true] as const, ['takes nothing', false] as const] as const);
    it.each(bulk)('is reset by a program in the middle of bulk to a client that %s', async (_, reads) =>
      resetInBulk(trial, reads),
    );
    afterEach(() => {
      for (const close of closing.splice(0)) close();
    });
  });
}

const closing: (() => void)[] = [];

async function transfers(trial: EngineOnTrial): Promise<void> {
  let resetsSeen = 0;
  const to = await program((socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') resetsSeen += 1;
    });
    socket.once('data', (bytes) => SERVICES[String.fromCharCode(bytes[0] ?? 0)]?.(socket, bytes.subarray(1)));
  });
  const ends: FlowEnd[] = [];
  const { local, close } = await leadTo(trial, to, ({ over }) => void over.then((end) => ends.push(end)));
  closing.push(() => void close(), to.close);

  const wrong: string[] = [];
  for (const transfer of [echoed, fetched, digested, resetting])
    for (let done = 0; done < EACH; done += AT_ONCE) {
      const batch = Array.from({ length: AT_ONCE }, (_, i) => transfer(local, done + i).catch(String));
      wrong.push(...(await Promise.all(batch)).filter((found) => found !== null));
    }

  expect(wrong).toEqual([]);
  await waitFor(() => ends.length === 4 * EACH, 5_000, 'every flow to end');
  const counted = (end: FlowEnd): number => ends.filter((each) => each === end).length;
  expect([counted('finished'), counted('reset')]).toEqual([3 * EACH, EACH]);
  await waitFor(() => resetsSeen === EACH / 2, 5_000, 'the program to see every reset of a client');
}

async function echoed(at: Endpoint, i: number): Promise<string | null> {
  // From one byte to a megabyte: copied, spliced, and what changes from one to the other.
  const bytes = randomBytes(Math.max(1, Math.floor(1_000_000 * (i / EACH) ** 3)));
  const socket = await client(at);
  socket.write('e');
  socket.end(bytes);
  const back = await allOf(socket);
  return back.equals(bytes) ? null : `${back.length} of ${bytes.length} B came back`;
}

async function fetched(at: Endpoint): Promise<string | null> {
  const socket = await client(at);
  socket.write('m');
  const got = await allOf(socket);
  socket.end();
  return got.equals(MEGABYTE) ? null : `${got.length} of ${MEGABYTE.length} B arrived`;
}

async function digested(at: Endpoint): Promise<string | null> {
  const bytes = randomBytes(100_000);
  const socket = await client(at);
  socket.write('r');
  socket.end(bytes);
  const got = (await allOf(socket)).toString();
  return got === createHash('sha256').update(bytes).digest('hex') ? null : `the reply was "${got}"`;
}

async function resetting(at: Endpoint, i: number): Promise<string | null> {
  const socket = await client(at);
  if (i % 2 === 0) {
    socket.write('x');
    const end = await endOf(socket);
    return end === 'ECONNRESET' ? null : `${end ?? 'a FIN'} came in place of the reset`;
  }
  socket.write('y');
  await once(socket, 'data');
  socket.resetAndDestroy();
  return null;
}

type Stage =
  | 'before the first byte'
  | 'in the middle of bulk to the client'
  | 'in the middle of bulk to the program'
  | 'while the client takes nothing'
  | 'while the program takes nothing'
  | 'after the client’s end'
  | 'after the program’s end';

/** Whoever receives bulk from the one that resets has tests of its own. */
const STAGES: readonly (readonly [stage: Stage, who: 'client' | 'program'])[] = [
  ['before the first byte', 'client'],
  ['before the first byte', 'program'],
  ['in the middle of bulk to the client', 'client'],
  ['in the middle of bulk to the program', 'program'],
  ['while the client takes nothing', 'client'],
  ['while the program takes nothing', 'program'],
  ['after the client’s end', 'client'],
  ['after the client’s end', 'program'],
  ['after the program’s end', 'client'],
  ['after the program’s end', 'program'],
];

const BULK = Buffer.alloc(32_000_000, 5);

interface Ends {
  readonly client: Socket;
  readonly program: Socket;
  readonly flow: HandFlow;
}

async function resetAt(trial: EngineOnTrial, stage: Stage, who: 'client' | 'program'): Promise<void> {
  const { local, sockets, leads } = await relayed(trial);
  const socket = (await client(local)).on('error', () => {});
  const { flow, over } = await waitFor(() => sockets.length === 1 && leads[0], 5_000, 'the legs to be joined');
  const ends: Ends = { client: socket, program: sockets[0] ?? socket, flow };
  await bring(ends, stage);

  const other = who === 'client' ? ends.program : ends.client;
  const seen = endOf(other);
  ends[who].resetAndDestroy();

  expect(await over).toBe('reset');
  // A socket that has had its FIN already hears of a reset when it writes.
  if (other.readableEnded) other.write('x');
  expect(await seen).toMatch(/^(ECONNRESET|EPIPE)$/);
  socket.destroy();
}

interface Relayed {
  readonly local: Endpoint;
  readonly sockets: readonly Socket[];
  readonly leads: readonly Lead[];
}

async function relayed(trial: EngineOnTrial): Promise<Relayed> {
  const sockets: Socket[] = [];
  const to = await program((socket) => void sockets.push(socket));
  const leads: Lead[] = [];
  const { local, close } = await leadTo(trial, to, (lead) => void leads.push(lead));
  closing.push(() => void close(), to.close);
  return { local, sockets, leads };
}

/** In the middle of bulk, seen by a client that asks the kernel itself: Node's own shows such a reset as an end. */
async function resetInBulk(trial: EngineOnTrial, reads: boolean): Promise<void> {
  const { local, sockets, leads } = await relayed(trial);
  const raw = RawClient.connect(await realSys(), local);
  const { flow, over } = await waitFor(() => sockets.length === 1 && leads[0], 5_000, 'the legs to be joined');
  sockets[0]?.write(BULK);
  if (reads) await raw.readsAtLeast(1_000_000);
  else await comesToRest(() => flow.told.received);

  sockets[0]?.resetAndDestroy();

  expect(await over).toBe('reset');
  expect((await raw.reads()).end).toBe(ECONNRESET);
}

/** Brings a connection to where it is to be reset. */
async function bring({ client: near, program: far, flow }: Ends, stage: Stage): Promise<void> {
  switch (stage) {
    case 'before the first byte':
      return;
    case 'in the middle of bulk to the client':
      near.resume();
      far.write(BULK);
      return waitUntil(() => near.bytesRead > 1_000_000);
    case 'in the middle of bulk to the program':
      far.resume();
      near.write(BULK);
      return waitUntil(() => far.bytesRead > 1_000_000);
    case 'while the client takes nothing':
      far.write(BULK);
      return comesToRest(() => flow.told.received);
    case 'while the program takes nothing':
      near.write(BULK);
      return comesToRest(() => flow.told.sent);
    case 'after the client’s end': {
      const heard = once(far.resume(), 'end');
      near.end();
      await Promise.all([heard, once(near, 'finish')]);
      return;
    }
    case 'after the program’s end': {
      const heard = once(near.resume(), 'end');
      far.end();
      await Promise.all([heard, once(far, 'finish')]);
      return;
    }
    default: {
      const never: never = stage;
      throw new Error(`there is no stage ${String(never)}`);
    }
  }
}

const waitUntil = async (condition: () => boolean): Promise<void> =>
  void (await waitFor(condition, 5_000, 'bytes to pass'));

/** The buffers on the way are full: what is counted has not changed for five looks. */
async function comesToRest(value: () => number): Promise<void> {
  let [last, still] = [-1, 0];
  await waitFor(
    () => {
      still = value() > 0 && value() === last ? still + 1 : 0;
      last = value();
      return still >= 5;
    },
    5_000,
    'the buffers to be full',
  );
}
