import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Prng } from '@hurricane/core/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { ConnectError, DatagramEngine, DatagramOptions, Listening } from '../contracts.js';
import { type HandFlow, HOST, handFlow } from '../loopback.test-support.js';
import { IDLE_LIMITS } from '../stream-join.js';
import { type InlineTrial, inlineTrial, nativeIsMissing } from './trial.test-support.js';

// Every call that carries datagrams fails now and then, as its manual page allows. `SEED=7 SEEDS=500` for more of it.

const FIRST = Number(process.env['SEED'] ?? 1);
const COUNT = Number(process.env['SEEDS'] ?? 25);
const RATES = [0.01, 0.03, 0.1];
const PEERS = 12;
const ROUNDS = 40;

/** Those that are made so often that some fail with any seeds. */
const CALLS = ['close', 'connect', 'epollCtl', 'epollWait', 'recv', 'recvmmsg', 'send', 'sendmmsg', 'socket'];

const missing = await nativeIsMissing();
const told = new Map<string, number>();
let answered = 0;

describe.skipIf(missing !== null)(
  `datagrams by the native engine under faults${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    it.each(Array.from({ length: COUNT }, (_, i) => FIRST + i))(
      'close each descriptor once, end each flow once and reach nobody else or in part, with seed %i',
      { timeout: 60_000 },
      (seed) => withSeed(seed),
    );

    afterAll(() => {
      if (COUNT < 25) return;
      const calls = new Set([...told.keys()].map((key) => key.split(' ')[0]));
      expect(CALLS.filter((call) => !calls.has(call))).toEqual([]);
      expect(answered).toBeGreaterThan((COUNT * PEERS * ROUNDS) / 4);
    });
  },
);

async function withSeed(seed: number): Promise<void> {
  const prng = new Prng(seed);
  const trial = await inlineTrial({ ...IDLE_LIMITS, sweep: 10 }, { prng, rate: prng.pick(RATES) });
  const program = await bound();
  const users = new PortUsers();
  program.on('message', (bytes, { port }) => {
    users.saw(port, bytes.toString());
    program.send(bytes, port, HOST);
  });
  const flows: HandFlow[] = [];
  const overs: (ConnectError | null)[] = [];
  const open = await opened(trial.engine, {
    at: { address: HOST, port: 0 },
    // Some have to give way to others, and some are silent for so long.
    idle: 20,
    peers: PEERS - 2,
    admit: () => {
      const flow = handFlow();
      flows.push(flow);
      return { to: { address: HOST, port: program.address().port }, source: HOST, flow };
    },
    over: (fault) => void overs.push(fault),
    lost: () => {},
  });
  const peers = await Promise.all(Array.from({ length: PEERS }, (_, i) => Peer.on(i, open.local.port)));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const peer of peers) peer.sends(prng, round);
    if (prng.chance(0.1)) flows.at(-1)?.abort('tunnel_down');
    await new Promise((resolve) => setImmediate(resolve));
  }
  trial.tracked.calm();
  // Whatever has happened before, all is well from here on.
  for (const peer of peers) await waitFor(() => peer.isAnswered(), 5_000, 'an answer');
  // Closed by itself, or with all else.
  await (prng.chance(0.5) ? open.close() : trial.engine.close());

  expect(peers.flatMap(({ wrong }) => wrong).filter((each) => !users.explain(each))).toEqual([]);
  expect(flows.map(({ told: { ends } }) => ends.length)).toEqual(flows.map(() => 1));
  expect(overs).toHaveLength(flows.length);
  for (const peer of peers) answered += peer.close();
  program.close();
  await closed(trial);
}

async function closed(trial: InlineTrial): Promise<void> {
  for (const [key, count] of trial.tracked.told) told.set(key, (told.get(key) ?? 0) + count);
  await trial.close();
}

/** An address that cannot be had is asked for again, as mappings do. */
async function opened(engine: DatagramEngine, options: DatagramOptions): Promise<Listening> {
  for (;;) {
    const open = await engine.datagrams(options);
    if (open.isOk()) return open.value;
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}

/** What somebody heard and had not sent, or not like that. */
interface Wrong {
  readonly peer: number;
  readonly text: string;
  readonly bytes: number;
  readonly from: number;
  readonly place: number;
}

/**
 * By which ports the program saw whom. A session that has ended gives its port back, and the kernel may give it to the
 * next one of somebody else: an answer that is on its way then goes to them, as behind any NAT (RFC 4787 section 4.2).
 */
class PortUsers {
  readonly #byPort = new Map<number, Set<number>>();

  saw(port: number, text: string): void {
    const users = this.#byPort.get(port) ?? new Set();
    this.#byPort.set(port, users.add(indexIn(text)));
  }

  explain({ peer, text, from, place }: Wrong): boolean {
    const of = indexIn(text);
    const isShared = [...this.#byPort.values()].some((users) => users.has(peer) && users.has(of));
    return of !== peer && from === place && isShared;
  }
}

const indexIn = (text: string): number => Number(/^\d+/.exec(text)?.[0]);

/** Somebody who knows what they have sent. */
class Peer {
  readonly wrong: Wrong[] = [];
  readonly #socket: Socket;
  readonly #index: number;
  readonly #to: number;
  readonly #sent = new Map<string, number>();
  #answers = 0;

  static async on(index: number, to: number): Promise<Peer> {
    return new Peer(await bound(), index, to);
  }

  constructor(socket: Socket, index: number, to: number) {
    this.#socket = socket;
    this.#index = index;
    this.#to = to;
    socket.on('message', (bytes, { port }) => this.#hear(bytes, port));
  }

  sends(prng: Prng, round: number): void {
    for (let i = prng.between(0, 3); i > 0; i -= 1) this.#send(`${round}.${i}`, prng.between(0, 1_400));
  }

  async isAnswered(): Promise<boolean> {
    const before = this.#answers;
    this.#send('last', 0);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return this.#answers > before;
  }

  /** Answers with how often it was answered. */
  close(): number {
    this.#socket.close();
    return this.#answers;
  }

  #send(word: string, more: number): void {
    const head = `${this.#index} ${word} `;
    this.#sent.set(head, more);
    this.#socket.send(head + 'x'.repeat(more), this.#to, HOST);
  }

  #hear(bytes: Buffer, from: number): void {
    this.#answers += 1;
    const text = bytes.toString();
    const [head = ''] = /^\d+ \S+ /.exec(text) ?? [];
    const isWhole = this.#sent.get(head) === text.length - head.length && /^x*$/.test(text.slice(head.length));
    if (isWhole && from === this.#to) return;
    this.wrong.push({ peer: this.#index, text: text.slice(0, 20), bytes: text.length, from, place: this.#to });
  }
}
