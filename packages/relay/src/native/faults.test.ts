import { createHash, randomBytes } from 'node:crypto';
import { parseConfig } from '@hurricane/core';
import { Prng } from '@hurricane/core/testing';
import { ok } from 'neverthrow';
import { afterAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { Endpoint, FlowEnd, FlowsAfter, Leg, Listening } from '../contracts.js';
import { handRoute, type Lead, ledListener } from '../lead-to.test-support.js';
import { type HandFlow, HOST, handFlow, handWays, program } from '../loopback.test-support.js';
import type { NativeEngine } from '../native-engine.js';
import { writeReply } from '../socks5/codec-write.js';
import { socks5SettingsOf } from '../socks5/from-config.js';
import { serveSocks5 } from '../socks5/serve.js';
import { IDLE_LIMITS } from '../stream-join.js';
import { type Heard, RawClient } from './raw-client.test-support.js';
import { type InlineTrial, inlineTrial, nativeIsMissing, realSys } from './trial.test-support.js';

// Every call of the native engine fails now and then, as its manual page allows. `SEED=7 SEEDS=500` for more of it.

const FIRST = Number(process.env['SEED'] ?? 1);
const COUNT = Number(process.env['SEEDS'] ?? 25);
const RATES = [0.002, 0.01, 0.03];
const TRANSFERS = 24;
const AT_ONCE = 8;
const MEGABYTE = randomBytes(1_000_000);
const DIGEST = createHash('sha256').update(MEGABYTE).digest('hex');

/** Those that are made so often that some fail with any seeds. */
const CALLS = [
  'accept4',
  'close',
  'connect',
  'epollCtl',
  'epollWait',
  'recv',
  'send',
  'setsockopt',
  'socket',
  'splice',
];

const missing = await nativeIsMissing();
const told = new Map<string, number>();
let whole = 0;

describe.skipIf(missing !== null)(
  `the native engine under faults${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    describe.each([
      ['asked about each connection', listensAndLeads],
      ['leading connections on by itself', leadsByItself],
      ['hearing SOCKS5 clients by itself', hearsSocks5],
    ] as const)('%s', (_, listens) => {
      it.each(Array.from({ length: COUNT }, (_, i) => FIRST + i))(
        'closes each descriptor once, ends each flow once and shows no part for the whole, with seed %i',
        { timeout: 60_000 },
        (seed) => withSeed(seed, listens),
      );
    });

    afterAll(() => {
      if (COUNT < 25) return;
      const calls = new Set([...told.keys()].map((key) => key.split(' ')[0]));
      expect(CALLS.filter((call) => !calls.has(call))).toEqual([]);
      expect(whole).toBeGreaterThan((3 * COUNT * TRANSFERS) / 10);
    });
  },
);

/** What listens, and what each client has to do before it is led to the program. */
interface Stage {
  readonly listening: Pick<Listening, 'local' | 'close'>;
  /** False: nothing comes of it. */
  readonly enters?: (client: RawClient, to: Endpoint, prng: Prng) => Promise<boolean>;
}

/** Listens, and leads what arrives to the program. A port that cannot be had is asked for again, as mappings do. */
type Listens = (engine: NativeEngine, to: Endpoint, flows: Lead[]) => Promise<Stage>;

const listensAndLeads: Listens = async (engine, to, flows) => {
  for (;;) {
    const listening = await engine.listen({ address: HOST, port: 0 }, (near) => void lead(engine, near, to, flows));
    if (listening.isOk()) return { listening: listening.value };
  }
};

const leadsByItself: Listens = async (engine, to, flows) => {
  const route = handRoute(to, (lead) => void flows.push(lead), { source: HOST, timeout: 2_000 });
  for (;;) {
    const listening = await ledListener({ engine }, route);
    if ('local' in listening) return { listening };
  }
};

const hearsSocks5: Listens = async (engine, _to, flows) => {
  const text = '[tunnel.a]\ntype = external\n[exposure.socks5]\nallow_destinations = 127.0.0.1\n';
  const settings = { ...socks5SettingsOf(parseConfig(text)._unsafeUnwrap()), listen: { address: HOST, port: 0 } };
  const log = { log: () => {} };
  for (;;) {
    const served = await serveSocks5({ engine, ways: handWays(), flows: handFlows(flows), settings, log });
    if (served.isOk()) return { listening: served.value, enters: shakesHands };
  }
};

function handFlows(all: Lead[]): FlowsAfter {
  const opened = (): HandFlow => {
    const flow = handFlow();
    all.push({ flow, over: Promise.resolve('reset') });
    return flow;
  };
  return {
    room: 1_024,
    losses: 0,
    list: () => [],
    open: () => ok(opened()),
    openAfter: (_facts, _losses, cut) => ok(cutBy(opened(), cut)),
    hold: () => ({ open: (_facts, cut) => cutBy(opened(), cut), giveUp: () => {} }),
  };
}

function cutBy(flow: HandFlow, cut: (how: FlowEnd) => void): HandFlow {
  flow.signal.addEventListener('abort', () => cut(flow.signal.reason as FlowEnd));
  return flow;
}

/** In two pieces, which need not be messages. */
const shakesHands: NonNullable<Stage['enters']> = async (client, to, prng) => {
  const words = Buffer.concat([Uint8Array.of(5, 1, 0), requestTo(to)]);
  const at = prng.pick([1, 3, 3, 3, 7, words.length]);
  await client.writes(words.subarray(0, at));
  if (at >= 3 && (await client.hears(2)) === null) return false;
  await client.writes(words.subarray(at));
  const answer = await client.hears(at < 3 ? 12 : 10);
  const isConnected = answer?.at(-9) === 0;
  if (answer !== null && !isConnected) await client.reads();
  return isConnected;
};

/** It has the same form as an answer. */
function requestTo(to: Endpoint): Uint8Array {
  const request = writeReply('succeeded', to);
  request[1] = 1;
  return request;
}

async function withSeed(seed: number, listens: Listens): Promise<void> {
  const prng = new Prng(seed);
  const trial = await inlineTrial({ ...IDLE_LIMITS, sweep: 10 }, { prng, rate: prng.pick(RATES) });
  const sys = await realSys();
  const flows: Lead[] = [];
  const program = await target();
  const { listening, enters } = await listens(trial.engine, program, flows);
  const wrong: string[] = [];
  for (let done = 0; done < TRANSFERS; done += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, async () => {
      const client = RawClient.connect(sys, listening.local);
      const transfer = prng.pick(TRANSFERS_OF);
      return enters === undefined || (await enters(client, program, prng)) ? transfer(client, flows) : null;
    });
    wrong.push(...(await Promise.all(batch)).filter((found) => found !== null));
  }
  trial.tracked.calm();
  await waitFor(() => flows.every(({ flow }) => flow.told.ends.length > 0), 10_000, 'every flow to end');
  await listening.close();
  program.close();

  expect(wrong).toEqual([]);
  expect(flows.map(({ flow }) => flow.told.ends.length)).toEqual(flows.map(() => 1));
  await closed(trial);
}

async function closed(trial: InlineTrial): Promise<void> {
  for (const [key, count] of trial.tracked.told) told.set(key, (told.get(key) ?? 0) + count);
  await trial.close();
}

/** Reads all and answers with its digest, or sends a megabyte, or resets. */
function target(): ReturnType<typeof program> {
  return program((socket) => {
    socket.once('data', (first) => {
      if (first[0] === 0x6d) return socket.resume().end(MEGABYTE);
      if (first[0] === 0x78) return socket.resetAndDestroy();
      const hash = createHash('sha256').update(first.subarray(1));
      return socket.on('data', (bytes) => hash.update(bytes)).once('end', () => socket.end(hash.digest('hex')));
    });
  });
}

async function lead(engine: NativeEngine, near: Leg, to: Endpoint, flows: Lead[]): Promise<void> {
  const far = await engine.connect({ to, source: HOST, timeout: 2_000 });
  if (far.isErr()) return near.reset();
  // As a SOCKS5 proxy does: some bytes are read and put back before the two are joined.
  if (flows.length % 3 === 0) {
    const first = await near.read();
    if (first.isErr() || first.value === null) {
      far.value.reset();
      return near.end();
    }
    near.unread(first.value);
  }
  const flow = handFlow();
  flows.push({ flow, over: engine.join(near, far.value, flow) });
}

type Transfer = (client: RawClient, flows: readonly Lead[]) => Promise<string | null>;

/** Each resolves to null when all came or an error said that it did not, else to what was passed off as the whole. */
const TRANSFERS_OF: readonly Transfer[] = [
  async (client) => {
    const reading = client.reads();
    await client.writes(Buffer.concat([Buffer.from('d'), MEGABYTE]));
    client.ends();
    const { bytes, end } = await reading;
    return end !== 0 || counted(bytes.toString() === DIGEST) ? null : `a digest of "${bytes}"`;
  },
  async (client) => {
    const { bytes, end } = await asked(client, 'm');
    return end !== 0 || counted(bytes.equals(MEGABYTE)) ? null : `${bytes.length} B of a megabyte, and a FIN`;
  },
  async (client) => {
    const { bytes, end } = await asked(client, 'x');
    return end !== 0 ? null : `${bytes.length} B and a FIN in place of a reset`;
  },
  async (client, flows) => {
    await client.writes(Buffer.from('m'));
    const { bytes, end } = await client.reads(() => flows.at(-1)?.flow.abort('stopped'));
    return end !== 0 || bytes.equals(MEGABYTE) ? null : `${bytes.length} B of a megabyte, and a FIN`;
  },
];

async function asked(client: RawClient, what: string): Promise<Heard> {
  await client.writes(Buffer.from(what));
  return client.reads();
}

function counted(isRight: boolean): boolean {
  if (isRight) whole += 1;
  return isRight;
}
