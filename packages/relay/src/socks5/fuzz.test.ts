import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { settled } from '@hurricane/core/testing';
import { expect, test } from 'vitest';
import type { MemoryLeg } from '../testing/memory-leg.test-support.js';
import { aStage, SETTINGS, type Stage } from '../testing/memory-stage.test-support.js';

/** `STREAMS=1000000 SEED=7 npx vitest run packages/relay/src/socks5/fuzz.test.ts` runs longer. */
const STREAMS = Number(process.env['STREAMS'] ?? 100_000);
const SEED = Number(process.env['SEED'] ?? 1928);

/** Served beside each other. */
const AT_ONCE = 100;

/** Let pass in virtual time for every batch: longer than any handshake, connection or waiting port may take. */
const PATIENCE = 61_000;

/** What is compiled and made once comes with the first of them. */
const WARM_UP = 10_000;

/** What may be held more after all than after the warm-up, in bytes: less than tables made late, and noise. */
const GROWTH = 2_000_000;

test(`${STREAMS} streams of random bytes cost no crash and no memory`, async () => {
  const random = prng(SEED);
  const zone = { 'a/6': ['2001:db8:5::1'], 'a/4': ['203.0.113.1'] };
  const stage = await aStage({}, zone);
  stage.engine.hosts.set('203.0.113.1', { kind: 'silent' });
  let before = 0;

  for (let done = 0; done < STREAMS; done += AT_ONCE) {
    await serveBatch(stage, random);
    if (done === WARM_UP) before = held();
  }

  const counts = stage.server.counts();
  expect(stage.log.filter((line) => line.startsWith('error'))).toEqual([]);
  expect(counts.opening).toBe(0);
  expect(counts.clients).toBe(STREAMS);
  // Were they all refused at the door, nothing would have been tried.
  for (const kind of ['not_socks5', 'no_method', 'bad_request', 'gave_up', 'timed_out'])
    expect(`${kind} ${counts.failed[kind] ?? 0}`).not.toBe(`${kind} 0`);
  for (const reply of ['succeeded', 'not_allowed', 'general_failure', 'command_not_supported'] as const)
    expect(`${reply} ${counts.replies[reply] ?? 0}`).not.toBe(`${reply} 0`);
  expect(stage.clock.pending()).toEqual([]);
  expect(stage.engine.listeners.size).toBe(1);
  expect(stage.ways.listeners).toBe(0);
  if (STREAMS > 2 * WARM_UP) expect(held() - before).toBeLessThan(GROWTH);
}, 1_200_000);

async function serveBatch(stage: Stage, random: () => number): Promise<void> {
  const clients = Array.from({ length: AT_ONCE }, () => {
    const client = stage.engine.knock(SETTINGS.listen);
    for (let rest = aStream(random); rest.length > 0; ) {
      const cut = 1 + Math.floor(random() * rest.length);
      client.write(Uint8Array.from(rest.slice(0, cut)));
      rest = rest.slice(cut);
    }
    return client;
  });
  await settled();
  for (const client of clients) leave(client, random);
  await stage.clock.runFor(PATIENCE);
  for (const client of clients) client.reset();
  for (const far of stage.engine.reached) far.reset();
  await settled();
  for (const list of [stage.engine.reached, stage.engine.made, stage.engine.attempts, stage.flows.all]) list.length = 0;
  stage.resolver.asked.length = 0;
  if (stage.log.every((line) => line.startsWith('debug'))) stage.log.length = 0;
}

function leave(client: MemoryLeg, random: () => number): void {
  const how = random();
  if (how < 0.3) client.end();
  else if (how < 0.5) client.reset();
}

/** Half of it what a client could say, so that every depth is reached. */
function aStream(random: () => number): readonly number[] {
  const pick = <T>(...items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const noise = (most: number): readonly number[] =>
    Array.from({ length: Math.floor(random() * most) }, () => Math.floor(random() * 256));
  const greeting = pick<readonly number[]>([5, 1, 0], [5, 2, 0, 2], [5, 1, 0], [5, 0], [5, 1, 2], [4, 1], noise(4));
  const command = pick(1, 1, 1, 2, 0xf0, 0xf1, 3, 9, Math.floor(random() * 256));
  // UDP ASSOCIATE opens real sockets, which are tried elsewhere.
  const head = [5, command === 3 ? 9 : command, pick(0, 0, 0, 1)];
  const target = pick<readonly number[]>(
    [1, 203, 0, 113, pick(1, 2), 0, 80],
    [1, 127, 0, 0, 1, 0, 80],
    [4, 0x20, 1, 0xd, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, pick(0, 80)],
    [3, 1, pick(97, 98, 0, 255), 0, 80],
    [pick(0, 1, 2, 3, 4, 5, 255), ...noise(20)],
  );
  const whole = [...greeting, ...head, ...target, ...noise(30)];
  const cut = random() < 0.3 ? Math.floor(random() * whole.length) : whole.length;
  return random() < 0.2 ? noise(60) : whole.slice(0, cut).map((byte) => (random() < 0.01 ? byte ^ 0xff : byte));
}

/** Heap and what belongs to it outside, in bytes, after a collection. */
function held(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** mulberry32: the same bytes for the same seed, on every machine. */
function prng(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
