import { parseConfig } from '@hurricane/core';
import { Prng } from '@hurricane/core/testing';
import { errAsync } from 'neverthrow';
import { expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { Endpoint, Engine } from '../contracts.js';
import { aFlowTable, aWay, connecting, echo, endOf, HOST, handWays, program } from '../loopback.test-support.js';
import type { Resolver } from '../names/resolver.js';
import { inlineTrial, nativeIsMissing } from '../native/trial.test-support.js';
import { streamEngine } from '../stream-engine.js';
import { IDLE_LIMITS } from '../stream-join.js';
import { socks5SettingsOf } from './from-config.js';
import { type Socks5Server, serveSocks5 } from './serve.js';

/** `STREAMS=20000 SEED=7 npx vitest run packages/relay/src/socks5/engines-fuzz.test.ts` runs longer. */
const STREAMS = Number(process.env['STREAMS'] ?? 600);
const SEED = Number(process.env['SEED'] ?? 1928);
const AT_ONCE = 20;

const missing = await nativeIsMissing();

it.skipIf(missing !== null)(
  `${STREAMS} streams of random bytes are answered alike, whoever hears them${missing === null ? '' : ` (skipped: ${missing})`}`,
  async () => {
    const prng = new Prng(SEED);
    const here = await program(echo);
    const trial = await inlineTrial({ ...IDLE_LIMITS, sweep: 10 });
    const [portable, native] = [await aProxy(streamEngine()), await aProxy(trial.engine)];
    const answers = new Set<string>();

    for (let done = 0; done < STREAMS; done += AT_ONCE) {
      const streams = Array.from({ length: AT_ONCE }, () => inPieces(aStream(prng, here.port), prng));
      const heard = await Promise.all(
        streams.map(async (pieces) => [await said(portable.local, pieces), await said(native.local, pieces)]),
      );
      for (const [i, [one, other]] of heard.entries()) {
        expect([streams[i], other]).toEqual([streams[i], one]);
        answers.add(one?.slice(0, 8) ?? '');
      }
    }

    // Greeted and let go, connected, refused, denied, not supported, no method, nothing at all.
    for (const answer of ['0500', '05000500', '05000505', '05000502', '05000507', '05ff', '']) {
      const found = [...answers].map((each) => each.replace(/ .*/, ''));
      expect(found).toContain(answer);
    }
    // What became of the last ones is told a moment after they have seen it.
    const opening = (): number => portable.counts().opening + native.counts().opening;
    await waitFor(() => opening() === 0, 5_000, 'every place to be free');
    expect(native.counts()).toEqual(portable.counts());
    // Those that an engine connects by itself it is not asked for.
    expect(portable.connects() - native.connects()).toBeGreaterThan(STREAMS / 100);
    await Promise.all([portable.close(), native.close()]);
    here.close();
    await trial.close();
  },
  120_000,
);

interface Proxy extends Socks5Server {
  /** How many connections it has asked its engine for. */
  connects(): number;
}

async function aProxy(under: Engine): Promise<Proxy> {
  let connects = 0;
  const engine: Engine = {
    name: under.name,
    listen: (at, accept) => under.listen(at, accept),
    join: (near, far, flow) => under.join(near, far, flow),
    connect: (options) => {
      connects += 1;
      return under.connect(options);
    },
  };
  const rules = 'allow_destinations = 127.0.0.1\ndeny_destinations = 0.0.0.0/0, ::/0\n';
  const config = parseConfig(`[tunnel.a]\ntype = external\n[exposure.socks5]\n${rules}`)._unsafeUnwrap();
  const settings = { ...socks5SettingsOf(config), listen: { address: HOST, port: 0 } };
  const ways = handWays(aWay());
  const nobody = { kind: 'not_found' } as const;
  const resolver: Resolver = { resolve: () => errAsync(nobody), reverse: () => errAsync(nobody) };
  const log = { log: () => {} };
  const served = await serveSocks5({ engine, ways, flows: aFlowTable(ways), settings, resolver, log });
  const server = served._unsafeUnwrap();
  return {
    local: server.local,
    counts: () => server.counts(),
    reload: () => server.reload(),
    close: () => server.close(),
    connects: () => connects,
  };
}

/** What comes back until the end, in hexadecimal, and which end that was. */
async function said(at: Endpoint, pieces: readonly Uint8Array[]): Promise<string> {
  const socket = connecting(at).setNoDelay();
  const heard: Buffer[] = [];
  socket.on('data', (bytes) => heard.push(bytes));
  const end = endOf(socket);
  for (const piece of pieces) {
    socket.write(piece);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  const how = (await end) ?? 'FIN';
  // The port that a target sees is another one each time; there is none where nobody was connected.
  const bytes = Buffer.concat(heard).toString('hex');
  return `${bytes.replace(/^(0500050000017f000001)(?!0000)..../, '$1port')} ${how}`;
}

/** Half of it what a client could say, so that every depth is reached. */
function aStream(prng: Prng, port: number): readonly number[] {
  const noise = (most: number): readonly number[] =>
    Array.from({ length: prng.between(0, most) }, () => prng.between(0, 255));
  const at = (to: number): readonly number[] => [to >> 8, to & 255];
  const greeting = prng.pick<readonly number[]>([
    [5, 1, 0],
    [5, 2, 0, 2],
    [5, 1, 0],
    [5, 0],
    [5, 1, 2],
    [4, 1],
  ]);
  // BIND and UDP ASSOCIATE tell ports of their own.
  const command = prng.pick([1, 1, 1, 1, 0xf0, 0xf1, 9, 77]);
  const target = prng.pick<readonly number[]>([
    [1, 127, 0, 0, 1, ...at(port)],
    [1, 127, 0, 0, 1, ...at(port)],
    [1, 127, 0, 0, 1, 0, 1],
    [1, 10, 0, 0, 1, 0, 80],
    [4, 0x20, 1, 0xd, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, prng.pick([0, 80])],
    [3, 1, prng.pick([97, 98, 0, 255]), 0, 80],
    [prng.pick([0, 2, 4, 5, 255]), ...noise(20)],
  ]);
  // What comes with nothing behind it is what an engine does by itself.
  const behind = prng.chance(0.5) ? noise(30) : [];
  const whole = [...greeting, 5, command, prng.pick([0, 0, 0, 1]), ...target, ...behind];
  const cut = prng.chance(0.3) ? prng.between(0, whole.length) : whole.length;
  return prng.chance(0.1) ? noise(60) : whole.slice(0, cut);
}

function inPieces(bytes: readonly number[], prng: Prng): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + prng.between(1, prng.pick([2, 12, 60])));
    pieces.push(Uint8Array.from(bytes.slice(from, to)));
    from = to;
  }
  return pieces;
}
