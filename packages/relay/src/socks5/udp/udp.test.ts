import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { parseAddressRange } from '@hurricane/core';
import { Prng, settled } from '@hurricane/core/testing';
import { okAsync } from 'neverthrow';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DestinationRule } from '../../access/destinations.js';
import { networkOf } from '../../access/networks.js';
import type { Endpoint, Engine } from '../../contracts.js';
import { inlineTrial, nativeIsMissing, startFromSource } from '../../native/trial.test-support.js';
import { IDLE_LIMITS } from '../../stream-join.js';
import type { MemoryLeg } from '../../testing/memory-leg.test-support.js';
import { aStage, aWay, SETTINGS, type Stage, type Zone } from '../../testing/memory-stage.test-support.js';
import type { Target } from '../codec.js';
import { readDatagram } from '../codec-read.js';
import { writeDatagram } from '../codec-write.js';
import type { Socks5Settings } from '../settings.js';
import { ASSOCIATION_IDLE } from './association.js';

// UDP ASSOCIATE with real sockets on loopback, whose addresses stand for the Internet; time is virtual all the same.

const missing = await nativeIsMissing();
const LIMITS = { ...IDLE_LIMITS, sweep: 10 };

/** What carries datagrams, and how many descriptors it has open. */
interface Trial {
  readonly exchange?: Engine['exchange'];
  descriptors(): number;
  close(): Promise<void>;
}

const ENGINES: readonly (readonly [string, () => Promise<Trial>])[] = [
  ['portable', async () => ({ descriptors: () => 0, close: async () => {} })],
  [
    'native, in its thread',
    async () => {
      const { exchange, close } = await startFromSource(LIMITS);
      return { exchange, descriptors: () => 0, close };
    },
  ],
  [
    'native, in one thread with its calls watched',
    async () => {
      const { engine, tracked, close } = await inlineTrial(LIMITS);
      return { exchange: engine.exchange, descriptors: () => tracked.open.size, close };
    },
  ],
];

let exchange: Engine['exchange'];
const open: Socket[] = [];
const stages: Stage[] = [];

const allow = (text: string): DestinationRule => ({
  network: networkOf(parseAddressRange(text)._unsafeUnwrap()),
  port: null,
});
const LOOPBACK: Partial<Socks5Settings> = { allowDestinations: [allow('127.0.0.0/8'), allow('::1')] };
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

interface Heard {
  readonly payload: string;
  readonly from: Endpoint;
}

/** A socket, and what it has heard. */
class Party {
  readonly #socket: Socket;
  readonly heard: Heard[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (data, { address, port }) => {
      this.heard.push({ payload: data.toString('latin1'), from: { address, port } });
    });
  }

  static async at(address: string): Promise<Party> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    open.push(socket);
    socket.bind(0, address);
    await once(socket, 'listening');
    return new Party(socket);
  }

  get place(): Endpoint {
    const { address, port } = this.#socket.address();
    return { address, port };
  }

  say(payload: Uint8Array | string, to: Endpoint): void {
    this.#socket.send(payload, to.port, to.address);
  }

  async hears(count: number): Promise<readonly string[]> {
    await until(() => this.heard.length >= count);
    return this.heard.map(({ payload }) => payload);
  }
}

/** Real sockets take a few turns of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 5_000; !condition(); await settled())
    if (performance.now() > end) throw new Error('waited in vain');
}

interface Associated {
  readonly stage: Stage;
  readonly control: MemoryLeg;
  readonly relay: Endpoint;
  readonly client: Party;
  /** Sends a datagram as a client of SOCKS5 would. */
  send(payload: string, to: Endpoint): void;
  dropped(): Readonly<Record<string, number>>;
}

async function associated(
  settings: Partial<Socks5Settings> = {},
  zone: Zone = {},
  announced: (client: Party) => string = () => '01 00000000 0000',
): Promise<Associated> {
  const stage = await aStage({ ...LOOPBACK, ...settings }, zone, exchange);
  stages.push(stage);
  stage.ways.become(aWay({ address: '::1' }));
  const client = await Party.at('127.0.0.1');
  const control = stage.engine.knock(SETTINGS.listen);
  control.write(hex(`05 01 00 05 03 00 ${announced(client)}`));
  let said: number[] = [];
  await until(() => {
    said = [...said, ...control.bytes];
    return said.length >= 12;
  });
  expect(said.slice(0, 6)).toEqual([5, 0, 5, 0, 0, 1]);
  const relay = { address: said.slice(6, 10).join('.'), port: (said[10] ?? 0) * 256 + (said[11] ?? 0) };
  return {
    stage,
    control,
    relay,
    client,
    send: (payload, to) => client.say(writeDatagram(to, Buffer.from(payload, 'latin1')), relay),
    dropped: () => stage.server.counts().datagramsDropped,
  };
}

/** The same but for one byte. */
function changed(bytes: Uint8Array, at: number, to: number): Uint8Array {
  const made = Uint8Array.from(bytes);
  made[at] = to;
  return made;
}

/** A datagram as the client hears it. */
function unwrapped({ payload }: Heard): { readonly from: Target; readonly payload: string } {
  const bytes = Buffer.from(payload, 'latin1');
  const read = readDatagram(bytes);
  if (read.kind === 'bad') throw new Error(read.fault);
  return { from: read.value.target, payload: bytes.subarray(read.length).toString('latin1') };
}

describe.each(ENGINES)('UDP ASSOCIATE, %s', (name, start) => {
  if (name !== 'portable' && missing !== null) {
    test.skip(`(skipped: ${missing})`, () => {});
    return;
  }
  let trial: Trial;
  let before = 0;
  beforeAll(async () => {
    trial = await start();
    exchange = trial.exchange;
    before = trial.descriptors();
  });
  afterEach(async () => {
    for (const { server } of stages.splice(0)) await server.close();
    for (const socket of open.splice(0)) socket.close();
    expect(trial.descriptors()).toBe(before);
  });
  afterAll(() => trial.close());

  describe('datagrams', () => {
    test('52, 48, 57: go out and come back, with the address they came from', async () => {
      const { client, relay, send, stage, control } = await associated();
      const server = await Party.at('127.0.0.1');

      send('ping', server.place);
      expect(await server.hears(1)).toEqual(['ping']);
      server.say('pong', server.heard[0]?.from as Endpoint);
      await client.hears(1);

      expect(relay.address).toBe('127.0.0.1');
      expect(client.heard[0]?.from).toEqual(relay);
      expect(unwrapped(client.heard[0] as Heard)).toEqual({
        from: { kind: 'address', ...server.place },
        payload: 'pong',
      });
      await until(() => stage.flows.all[0]?.received === 4);
      expect(stage.flows.all[0]).toMatchObject({ sent: 4, received: 4, end: null });
      expect(stage.flows.all[0]?.facts).toMatchObject({ kind: 'udp', origin: 'socks5', tunnel: 'he' });
      control.end();
    });

    test('IPv6 leaves from the tunnel, and both families go side by side', async () => {
      const { client, send } = await associated();
      const [six, four] = [await Party.at('::1'), await Party.at('127.0.0.1')];

      send('a', six.place);
      send('b', four.place);
      await Promise.all([six.hears(1), four.hears(1)]);
      six.say('c', six.heard[0]?.from as Endpoint);
      await client.hears(1);

      expect(six.heard[0]?.from.address).toBe('::1');
      expect(unwrapped(client.heard[0] as Heard).from).toEqual({ kind: 'address', ...six.place });
    });

    test('53: all destinations see one port, and others may answer to it', async () => {
      const { client, send } = await associated();
      const [one, two, three] = [await Party.at('127.0.0.1'), await Party.at('127.0.0.1'), await Party.at('127.0.0.1')];

      send('a', one.place);
      send('b', two.place);
      await Promise.all([one.hears(1), two.hears(1)]);
      expect(one.heard[0]?.from.port).toBe(two.heard[0]?.from.port);
      three.say('c', { address: '127.0.0.1', port: one.heard[0]?.from.port ?? 0 });
      await client.hears(1);

      expect(unwrapped(client.heard[0] as Heard)).toEqual({ from: { kind: 'address', ...three.place }, payload: 'c' });
    });

    test.each([0, 1, 1_200, 1_452, 8_192, 65_245])('49, 50: of %i bytes arrive whole, both ways', async (size) => {
      const { client, send } = await associated();
      const server = await Party.at('127.0.0.1');
      const payload = 'x'.repeat(size);

      for (let i = 1; i <= 3; i += 1) {
        send(payload, server.place);
        expect((await server.hears(i)).at(-1)).toBe(payload);
        server.say(payload, server.heard[0]?.from as Endpoint);
        await client.hears(i);
      }

      expect(client.heard.map((each) => unwrapped(each).payload)).toEqual([payload, payload, payload]);
    });

    test('50: too large for a header in front of them are dropped whole', async () => {
      const { client, send, dropped } = await associated();
      const server = await Party.at('127.0.0.1');
      send('a', server.place);
      await server.hears(1);

      server.say('x'.repeat(65_246), server.heard[0]?.from as Endpoint);
      await until(() => dropped()['unsendable'] === 1);
      server.say('y', server.heard[0]?.from as Endpoint);
      await client.hears(1);

      expect(unwrapped(client.heard[0] as Heard).payload).toBe('y');
    });

    test('51: a destination where nobody listens does not end it', async () => {
      const { send, stage } = await associated();
      const server = await Party.at('127.0.0.1');

      // tcpmux (RFC 1078), which has no datagrams.
      for (let i = 0; i < 5; i += 1) {
        send('x', { address: '127.0.0.1', port: 1 });
        send('y', server.place);
        await server.hears(i + 1);
      }

      expect(stage.flows.all[0]?.end).toBeNull();
    });

    test('to many places arrive in order, however fast they come', async () => {
      const { send, client } = await associated();
      const servers = await Promise.all([Party.at('127.0.0.1'), Party.at('::1'), Party.at('127.0.0.1')]);
      const words = Array.from({ length: 60 }, (_, i) => String(i));

      // The first are judged one by one, while others come in behind them.
      for (const word of words) for (const { place } of servers) send(word, place);
      for (const server of servers) expect(await server.hears(words.length)).toEqual(words);
      for (const server of servers) for (const word of words) server.say(word, server.heard[0]?.from as Endpoint);
      await client.hears(3 * words.length);

      for (const { place } of servers) {
        const from = client.heard.map(unwrapped).filter(({ from: { port } }) => port === place.port);
        expect(from.map(({ payload }) => payload)).toEqual(words);
        expect(from[0]?.from).toEqual({ kind: 'address', ...place });
      }
    });
  });

  describe('what is dropped', () => {
    test('44, 45, 46: everything that is not as it should be, and nothing else', async () => {
      const { client, relay, send, dropped } = await associated();
      const server = await Party.at('127.0.0.1');
      const { port } = server.place;
      const tail = `01 7f000001 ${port.toString(16).padStart(4, '0')} 61`;

      for (const bad of ['', '00', '000000', '00000001', `0100 00 ${tail}`, '0000 00 05 00', '0000 00 03 ff 61'])
        client.say(hex(bad), relay);
      client.say(hex(`0000 01 ${tail}`), relay);
      client.say(hex(`0000 80 ${tail}`), relay);
      send('good', server.place);

      expect(await server.hears(1)).toEqual(['good']);
      expect(dropped()).toEqual({ malformed: 7, fragmented: 2 });
    });

    test('45, 46: every part of a header, and fragments, also to where the client may send', async () => {
      const { client, relay, send, dropped } = await associated();
      const servers = [await Party.at('127.0.0.1'), await Party.at('::1')];
      const headers = servers.map(({ place }) => writeDatagram(place, new Uint8Array()));
      headers.push(named('a.example', 9, ''));
      for (const { place } of servers) send('first', place);
      for (const server of servers) await server.hears(1);
      const parts = headers.flatMap((header) => [...header.keys()].map((length) => header.subarray(0, length)));
      const fragments = headers.flatMap((header) => [1, 0x7f, 0x80].map((fragment) => changed(header, 2, fragment)));
      const reserved = headers.flatMap((header) => [changed(header, 0, 1), changed(header, 1, 1)]);

      const all = [...parts, ...fragments, ...reserved];
      const total = (): number => (dropped()['malformed'] ?? 0) + (dropped()['fragmented'] ?? 0);
      for (const [i, bytes] of all.entries()) {
        client.say(bytes, relay);
        // Few enough at a time for any bound.
        if (i % 16 === 0 || i + 1 === all.length) await until(() => total() === i + 1);
      }
      for (const { place } of servers) send('last', place);

      for (const server of servers) expect(await server.hears(2)).toEqual(['first', 'last']);
      expect(dropped()).toEqual({ malformed: parts.length + reserved.length, fragmented: fragments.length });
    });

    test('42, S8: what comes from another address, or from another port once one is known', async () => {
      const { relay, send, dropped } = await associated();
      const server = await Party.at('127.0.0.1');
      const [stranger, neighbour] = [await Party.at('127.0.0.2'), await Party.at('127.0.0.1')];
      const datagram = writeDatagram(server.place, Buffer.from('stolen'));

      stranger.say(datagram, relay);
      await until(() => dropped()['stranger'] === 1);
      send('mine', server.place);
      await server.hears(1);
      for (let i = 2; i < 5; i += 1) {
        neighbour.say(datagram, relay);
        await until(() => dropped()['stranger'] === i);
      }
      send('mine', server.place);

      expect(await server.hears(2)).toEqual(['mine', 'mine']);
    });

    test('43: what does not come from the port that the client has announced', async () => {
      const announce = (client: Party): string => `01 7f000001 ${client.place.port.toString(16).padStart(4, '0')}`;
      const { relay, send, dropped } = await associated({}, {}, announce);
      const server = await Party.at('127.0.0.1');
      const neighbour = await Party.at('127.0.0.1');

      neighbour.say(writeDatagram(server.place, Buffer.from('stolen')), relay);
      await until(() => dropped()['stranger'] === 1);
      send('mine', server.place);

      expect(await server.hears(1)).toEqual(['mine']);
    });

    test('destinations that clients may not reach, by address and by name', async () => {
      const zone: Zone = { 'inside.example/6': ['::1'], 'inside.example/4': ['127.0.0.1'] };
      const { client, relay, send, dropped } = await associated({ allowDestinations: [] }, zone);
      const server = await Party.at('127.0.0.1');

      send('a', server.place);
      client.say(named('inside.example', server.place.port, 'b'), relay);
      await until(() => dropped()['denied'] === 1 && dropped()['unresolved'] === 1);

      expect(server.heard).toEqual([]);
    });

    test('a destination that has become an address of this machine, though it was allowed before', async () => {
      const { send, dropped, stage } = await associated();
      const server = await Party.at('127.0.0.5');
      for (let i = 1; i <= 3; i += 1) {
        send('a', server.place);
        await server.hears(i);
      }

      stage.ways.become(aWay({ address: '::1' }), aWay({ tunnel: 'own', address: '127.0.0.5', primary: false }));
      await settled();
      send('b', server.place);
      send('b', server.place);
      await until(() => dropped()['denied'] === 2);
      stage.ways.become(aWay({ address: '::1' }));
      await settled();
      send('c', server.place);

      expect(await server.hears(4)).toEqual(['a', 'a', 'a', 'c']);
      expect(stage.flows.all.map(({ end }) => end)).toEqual([null]);
    });

    test('IPv4 where there is to be none, IPv6 where there is no tunnel', async () => {
      const { send, dropped, stage } = await associated({ ipv4: 'only6' });
      const [four, six] = [await Party.at('127.0.0.1'), await Party.at('::1')];
      stage.ways.become();
      stage.flows.cut('he', 'tunnel_down');

      send('a', four.place);
      send('b', six.place);
      await until(() => dropped()['no_way'] === 2);

      expect([...four.heard, ...six.heard]).toEqual([]);
    });
  });

  describe('any bytes', () => {
    test.each([1, 2, 3, 4, 5])(
      'go where the codec and the rules say, or are counted as dropped, with seed %i',
      async (seed) => {
        const prng = new Prng(seed);
        const { client, relay, dropped } = await associated({ denyDestinations: [allow('0.0.0.0/0'), allow('::/0')] });
        const servers = await Promise.all([Party.at('127.0.0.1'), Party.at('::1'), Party.at('127.0.0.1')]);
        const places = servers.map(({ place }) => place);
        const expected: { readonly heard: string[][]; readonly dropped: Record<string, number> } = {
          heard: servers.map(() => []),
          dropped: {},
        };
        const told = (): number =>
          servers.reduce((sum, { heard }) => sum + heard.length, 0) + sumOf(Object.values(dropped()));

        for (let i = 0; i < 400; i += 1) {
          const bytes = anyDatagram(prng, [...places, { address: '192.168.1.1', port: 9 }], String(i));
          const read = readDatagram(bytes);
          const fault = read.kind === 'bad' ? (read.fault === 'fragmented' ? 'fragmented' : 'malformed') : null;
          const target = read.kind === 'read' ? read.value.target : null;
          const index = places.findIndex((place) => isDeepStrictEqual({ kind: 'address', ...place }, target));
          // Where nobody is, nobody counts it.
          if (target?.kind === 'address' && index < 0 && /^(127\.|::1$)/.test(target.address)) continue;
          const payload = Buffer.from(bytes.subarray(read.kind === 'read' ? read.value.length : 0)).toString('latin1');
          const drop = fault ?? (target?.kind === 'name' ? 'unresolved' : 'denied');
          if (index >= 0) expected.heard[index]?.push(payload);
          else expected.dropped[drop] = (expected.dropped[drop] ?? 0) + 1;
          client.say(bytes, relay);
          const sent = sumOf(expected.heard.map(({ length }) => length)) + sumOf(Object.values(expected.dropped));
          // Few enough at a time for any bound.
          if (i % 8 === 0 || i > 390) await until(() => told() === sent);
        }

        expect(servers.map(({ heard }) => heard.map(({ payload }) => payload))).toEqual(expected.heard);
        expect(dropped()).toEqual(expected.dropped);
      },
    );
  });

  describe('names', () => {
    test('47: lead to an address, asked for once, and the answer comes from that', async () => {
      const zone: Zone = { 'a.example/6': [], 'a.example/4': ['127.0.0.1'] };
      const { client, relay, stage } = await associated({}, zone);
      const server = await Party.at('127.0.0.1');

      for (const payload of ['a', 'b', 'c']) client.say(named('a.example', server.place.port, payload), relay);
      expect(await server.hears(3)).toEqual(['a', 'b', 'c']);
      server.say('d', server.heard[0]?.from as Endpoint);
      await client.hears(1);

      expect(stage.resolver.asked).toEqual(['a.example/6', 'a.example/4']);
      expect(unwrapped(client.heard[0] as Heard).from).toEqual({ kind: 'address', ...server.place });
    });

    test('go by what they lead to each time, and not by what was allowed before', async () => {
      const { client, relay, stage, dropped } = await associated(
        {},
        { 'a.example/6': [], 'a.example/4': ['127.0.0.5'] },
      );
      const server = await Party.at('127.0.0.5');
      for (const i of [1, 2]) {
        client.say(named('a.example', server.place.port, 'a'), relay);
        await server.hears(i);
      }

      stage.ways.become(aWay({ address: '::1' }), aWay({ tunnel: 'own', address: '127.0.0.5', primary: false }));
      client.say(named('a.example', server.place.port, 'b'), relay);

      await until(() => dropped()['denied'] === 1);
      expect(await server.hears(2)).toEqual(['a', 'a']);
    });

    test('that nobody answers hold sixteen datagrams and no more', async () => {
      const { client, relay, dropped } = await associated({}, { 'slow.example/6': null, 'slow.example/4': null });

      for (let i = 0; i < 20; i += 1) client.say(named('slow.example', 9, 'x'), relay);
      await until(() => dropped()['unresolved'] === 4);
    });
  });

  describe('the end', () => {
    test.each(['end', 'reset'] as const)('39, 40: with its control connection (%s)', async (how) => {
      const { control, relay, stage, send } = await associated();
      const [four, six] = [await Party.at('127.0.0.1'), await Party.at('::1')];
      for (const i of [1, 2]) {
        send('x', four.place);
        send('x', six.place);
        await Promise.all([four.hears(i), six.hears(i)]);
      }

      control[how]();
      const ended = performance.now();
      await until(() => stage.flows.all[0]?.end === 'finished');
      expect(performance.now() - ended).toBeLessThan(1_000);

      // The ports are free: somebody else can have them.
      for (const { address, port } of [relay, four.heard[0]?.from as Endpoint, six.heard[0]?.from as Endpoint]) {
        const next = createSocket(address.includes(':') ? 'udp6' : 'udp4');
        open.push(next);
        next.bind({ port, address, exclusive: true });
        await once(next, 'listening');
      }
      expect(stage.flows.all[0]).toMatchObject({ sent: 4, received: 0 });
      expect(stage.server.counts().associations).toBe(0);
      expect(stage.clock.pending()).toEqual([]);
      expect(stage.ways.listeners).toBe(0);
    });

    test('41: with a client that talks on its control connection', async () => {
      const { control, stage } = await associated();

      control.write(new Uint8Array(1_024));
      await settled();
      expect(stage.flows.all[0]?.end).toBeNull();
      control.write(new Uint8Array(1));

      await until(() => stage.flows.all[0]?.end === 'finished');
      expect(control.heard()).toContain(null);
    });

    test('54: five minutes after the last datagram of the client, who is told', async () => {
      const { control, send, stage } = await associated();
      const server = await Party.at('127.0.0.1');
      for (const i of [1, 2]) {
        await stage.clock.runFor(ASSOCIATION_IDLE - 1);
        send('x', server.place);
        await server.hears(i);
        await until(() => stage.flows.all[0]?.sent === i);
      }
      await stage.clock.runFor(ASSOCIATION_IDLE - 1);
      await until(() => stage.clock.pending().length === 1);
      expect(stage.flows.all[0]?.end).toBeNull();

      await stage.clock.runFor(1);
      await until(() => stage.flows.all[0]?.end === 'idle');

      await until(() => control.heard().includes(null));
    });

    test('of a tunnel is not its end: the next datagram leaves by the next one', async () => {
      const { send, stage, control } = await associated();
      const server = await Party.at('::1');
      send('a', server.place);
      await server.hears(1);
      send('aa', server.place);
      await server.hears(2);

      stage.ways.become(aWay({ tunnel: 'wg', address: '::1' }));
      stage.flows.cut('he', 'tunnel_down');
      await until(() => stage.flows.all[0]?.end === 'tunnel_down');
      for (const i of [3, 4]) {
        send('bbb', server.place);
        await server.hears(i);
      }
      await until(() => stage.flows.all[1]?.sent === 6);

      expect(stage.flows.all.map(({ facts, end, sent }) => [facts.tunnel, end, sent])).toEqual([
        ['he', 'tunnel_down', 3],
        ['wg', null, 6],
      ]);
      const ports = server.heard.map(({ from }) => from.port);
      expect([ports[1], ports[3]]).toEqual([ports[0], ports[2]]);
      expect(ports[0]).not.toBe(ports[2]);
      expect(control.heard()).not.toContain(null);
    });

    test('of the proxy', async () => {
      const { stage, control } = await associated();

      await stage.server.close();

      expect(stage.flows.all[0]?.end).toBe('stopped');
      expect(control.heard()).toContain(null);
    });

    test('before its beginning: no room among the flows', async () => {
      const stage = await aStage(LOOPBACK, {}, exchange);
      stages.push(stage);
      stage.flows.refusal = { kind: 'too_many_flows', limit: 1 };
      const control = stage.engine.knock(SETTINGS.listen);
      control.write(hex('05 01 00 05 03 00 01 00000000 0000'));
      let said: number[] = [];

      await until(() => {
        said = [...said, ...control.bytes];
        return said.length >= 12;
      });

      expect(said.slice(2)).toEqual([5, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    });
  });
});

test('54: nobody is idle before all that was carried has been counted', async () => {
  let untold = 1;
  const late: Engine['exchange'] = ({ carried, address }) =>
    okAsync({
      local: { address, port: 9 },
      answerTo: () => {},
      send: () => {},
      recall: async () => {},
      close: async () => {},
      counted: async () => {
        carried(0, 0, untold);
        untold = 0;
      },
    });
  const stage = await aStage(LOOPBACK, {}, late);
  const control = stage.engine.knock(SETTINGS.listen);
  control.write(hex('05 01 00 05 03 00 01 00000000 0000'));
  await until(() => stage.flows.all.length === 1);

  await stage.clock.runFor(2 * ASSOCIATION_IDLE - 1);
  await settled();
  expect(stage.flows.all[0]?.end).toBeNull();
  await stage.clock.runFor(1);

  await until(() => stage.flows.all[0]?.end === 'idle');
});

/** Mostly one that can go, or one byte or the end of which is not what it was. */
function anyDatagram(prng: Prng, places: readonly Endpoint[], payload: string): Uint8Array {
  const isNamed = prng.chance(0.05);
  const whole = isNamed ? named('nowhere.example', 9, payload) : writeDatagram(prng.pick(places), Buffer.from(payload));
  const most = whole.length - 1;
  if (prng.chance(0.2)) return whole.subarray(0, prng.between(0, most));
  return prng.chance(0.3) ? changed(whole, prng.between(0, Math.min(most, 25)), prng.between(0, 255)) : whole;
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

/** A datagram to a name. */
function named(name: string, port: number, payload: string): Uint8Array {
  const bytes = Buffer.from(`\0\0\0\x03${String.fromCharCode(name.length)}${name}`, 'latin1');
  return Buffer.concat([bytes, Buffer.of(port >> 8, port & 255), Buffer.from(payload)]);
}
