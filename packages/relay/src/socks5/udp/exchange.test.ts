import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.js';
import type { Endpoint, Engine } from '../../contracts.js';
import type { Exchange } from '../../exchange-contract.js';
import { LEASE, LEASES_AT_MOST } from '../../native/native-limits.js';
import { inlineTrial, nativeIsMissing, nativeTrial } from '../../native/trial.test-support.js';
import { IDLE_LIMITS } from '../../stream-join.js';
import { readDatagram } from '../codec-read.js';
import { writeDatagram } from '../codec-write.js';
import { portableExchange } from './portable-exchange.js';

// What an exchange promises to those who judge datagrams, whichever engine carries them.

const missing = await nativeIsMissing();
const LIMITS = { ...IDLE_LIMITS, sweep: 10 };
const HOST = '127.0.0.1';
const PATIENCE = 5_000;

interface Trial {
  readonly open: NonNullable<Engine['exchange']>;
  close(): Promise<void>;
}

const ENGINES: readonly (readonly [string, () => Promise<Trial>, skip: string | null])[] = [
  ['portable', async () => ({ open: portableExchange, close: async () => {} }), null],
  ['native', async () => trialOf(await nativeTrial(LIMITS)), missing],
  ['native in one thread with its calls watched', async () => trialOf(await inlineTrial(LIMITS)), missing],
];

function trialOf({ engine, close }: { readonly engine: Engine; close(): Promise<void> }): Trial {
  return { open: engine.exchange ?? portableExchange, close };
}

const sockets: Socket[] = [];

async function bound(address = HOST, port = 0): Promise<Socket & { readonly at: Endpoint }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  sockets.push(socket);
  socket.bind({ address, port, exclusive: true });
  await once(socket, 'listening');
  return Object.assign(socket, { at: { address, port: socket.address().port } });
}

/** What a program has heard, and from where. */
async function hearing(address = HOST, port = 0) {
  const socket = await bound(address, port);
  const heard: string[] = [];
  const from: Endpoint[] = [];
  socket.on('message', (bytes, { address: of, port: by }) => {
    heard.push(bytes.toString());
    from.push({ address: of, port: by });
  });
  return Object.assign(socket, { heard, from });
}

for (const [name, start, skip] of ENGINES)
  describe.skipIf(skip !== null)(`an exchange, ${name}${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    const isPortable = name === 'portable';
    let trial: Trial;
    beforeAll(async () => {
      trial = await start();
    });
    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.close();
    });
    afterAll(() => trial.close());

    /** A client, and somebody who lets it send anywhere that `allows` says. */
    async function aClient(allows: (to: Endpoint) => boolean = () => true, source: string | null = null) {
      const client = await hearing();
      const judged: Endpoint[] = [];
      const asked: Endpoint[] = [];
      const told = { sent: 0, received: 0, datagrams: 0, lost: 0 };
      const state: { source: string | null } = { source };
      const exchange: Exchange = (
        await trial.open({
          address: HOST,
          heard: (bytes, from) => {
            const read = readDatagram(bytes);
            if (read.kind === 'bad' || read.value.target.kind === 'name') return;
            const { target, length } = read.value;
            judged.push({ address: target.address, port: target.port });
            if (!allows(target)) return;
            exchange.answerTo(from);
            const [payload, header] = [bytes.subarray(length), bytes.subarray(0, length)];
            exchange.send({ payload, to: target, source: state.source, header });
          },
          mayGoOn: (to) => {
            asked.push(to);
            return allows(to);
          },
          carried: (sent, received, datagrams) => {
            told.sent += sent;
            told.received += received;
            told.datagrams += datagrams;
          },
          lost: (count) => {
            told.lost += count;
          },
        })
      )._unsafeUnwrap();
      const say = (word: string, to: Endpoint): void =>
        client.send(writeDatagram(to, Buffer.from(word)), exchange.local.port, exchange.local.address);
      return { client, exchange, judged, asked, told, state, say };
    }

    it('hears each datagram, or those of the first time', async () => {
      const server = await hearing();
      const { exchange, judged, say, told } = await aClient();

      for (const [i, word] of ['x', 'x', '', 'xyz', ''].entries()) {
        say(word, server.at);
        await waitFor(() => server.heard.length === i + 1, PATIENCE, 'it to arrive');
      }

      expect(judged).toHaveLength(isPortable ? 5 : 1);
      await exchange.counted();
      expect(told).toEqual({ sent: 5, received: 0, datagrams: 5, lost: 0 });
      await exchange.close();
    });

    it('asks whether its client may go on while it does, and hears it again once it may not', async () => {
      let isAllowed = true;
      const server = await hearing();
      const { exchange, judged, asked, say } = await aClient(() => isAllowed);
      const goingOn = async (until: () => boolean): Promise<void> => {
        const isDone = (): boolean => {
          say('x', server.at);
          return until();
        };
        await waitFor(isDone, PATIENCE, 'it to be asked');
      };

      const begun = performance.now();
      await goingOn(() => performance.now() - begun > 1.4 * LEASE);
      expect(judged.length).toBe(isPortable ? server.heard.length : 1);
      if (!isPortable) expect(asked.slice(0, 2)).toEqual([server.at, server.at]);
      isAllowed = false;
      const before = judged.length;
      await goingOn(() => judged.length > before + 2);
      const heard = server.heard.length;
      await goingOn(() => judged.length > before + 20);

      expect(server.heard).toHaveLength(heard);
      await exchange.close();
    });

    it('hears everything anew after a recall', async () => {
      const server = await hearing();
      const { exchange, judged, say } = await aClient();
      for (const i of [1, 2]) {
        say('x', server.at);
        await waitFor(() => server.heard.length === i, PATIENCE, 'it to arrive');
      }
      const before = judged.length;

      await exchange.recall(null);
      say('y', server.at);
      await waitFor(() => server.heard.length === 3, PATIENCE, 'the last one');

      expect(judged).toHaveLength(before + 1);
      expect(new Set(server.from.map(({ port }) => port)).size).toBe(1);
      await exchange.close();
    });

    it('leaves from its source and no other, and what cannot is lost', async () => {
      const server = await hearing();
      const [one, two] = [await aClient(undefined, '127.0.0.9'), await aClient(undefined, '192.0.2.77')];

      for (const i of [1, 2]) {
        one.say('x', server.at);
        await waitFor(() => server.heard.length === i, PATIENCE, 'it to arrive');
      }
      two.say('y', server.at);
      two.say('y', server.at);
      // What waits for a socket that cannot be opened is dropped with it where Node opens it.
      if (!isPortable) await waitFor(() => two.told.lost === 2, PATIENCE, 'the loss');
      await two.exchange.close();

      expect(server.heard).toEqual(['x', 'x']);
      expect(server.from.map(({ address }) => address)).toEqual(['127.0.0.9', '127.0.0.9']);
      await one.exchange.close();
    });

    it('closes IPv6 when that is asked for, and opens it from the next source', async () => {
      const [six, four] = [await hearing('::1'), await hearing()];
      const { exchange, state, say } = await aClient(undefined, null);
      for (const i of [1, 2]) {
        say('x', six.at);
        say('x', four.at);
        await waitFor(() => six.heard.length === i && four.heard.length === i, PATIENCE, 'both');
      }
      const before = six.from[1] ?? { address: '', port: 0 };

      await exchange.recall('ipv6');
      // Its port is free.
      const next = await bound('::1', before.port);
      state.source = '::1';
      say('y', six.at);
      state.source = null;
      say('y', four.at);
      await waitFor(() => six.heard.length === 3 && four.heard.length === 3, PATIENCE, 'both');

      expect(six.from[2]?.port).not.toBe(before.port);
      expect(new Set(four.from.map(({ port }) => port)).size).toBe(1);
      next.removeAllListeners();
      await exchange.close();
    });

    it('goes on when it sends to more places than can be remembered, and forgets what it has not used', async () => {
      const server = await hearing();
      const { exchange, judged, say, told } = await aClient();
      const others = Array.from({ length: LEASES_AT_MOST + 10 }, (_, i) => ({
        address: '127.0.0.2',
        port: 20_000 + i,
      }));

      say('x', server.at);
      await waitFor(() => judged.length === 1, PATIENCE, 'the first');
      for (const [i, other] of others.entries()) {
        say('y', other);
        // Few enough at a time for any bound.
        if (i % 32 === 0) await waitFor(() => judged.length >= i + 2, PATIENCE, 'the next');
      }
      await waitFor(() => judged.length === others.length + 1, PATIENCE, 'all of them');
      say('x', server.at);
      await waitFor(() => server.heard.length === 2, PATIENCE, 'the last');

      expect(judged.slice(others.length + 1)).toEqual([server.at]);
      await exchange.counted();
      expect(told).toMatchObject({ datagrams: others.length + 2, lost: 0 });
      await exchange.close();
    });

    it('counts everything by the time it is closed, and gives its ports back', async () => {
      const server = await hearing();
      const { exchange, client, say, told } = await aClient();
      for (let i = 1; i <= 10; i += 1) {
        say('four', server.at);
        await waitFor(() => server.heard.length === i, PATIENCE, 'it to arrive');
        server.send('to', server.from[0]?.port ?? 0, HOST);
        await waitFor(() => client.heard.length === i, PATIENCE, 'the answer');
      }

      await Promise.all([exchange.close(), exchange.counted(), exchange.recall('ipv6'), exchange.close()]);

      expect(told).toEqual({ sent: 40, received: 20, datagrams: 10, lost: 0 });
      await bound(HOST, exchange.local.port);
      await bound('0.0.0.0', server.from[0]?.port);
    });

    it('says that there is no such address', async () => {
      const silent = { heard: () => {}, mayGoOn: () => true, carried: () => {}, lost: () => {} };

      expect((await trial.open({ address: '192.0.2.77', ...silent }))._unsafeUnwrapErr()).toEqual({
        kind: 'no_address',
      });
    });
  });
