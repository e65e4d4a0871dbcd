import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { parseConfig } from '@hurricane/core';
import { afterEach, expect, it } from 'vitest';
import type { Endpoint, Way } from './contracts.js';
import { aWay, client, echo, endOf, handWays, program } from './loopback.test-support.js';
import { Mapping } from './mapping.js';
import { aBench } from './mappings.test-support.js';
import { readDatagram } from './socks5/codec-read.js';
import { writeDatagram } from './socks5/codec-write.js';
import { socks5SettingsOf } from './socks5/from-config.js';
import { serveSocks5 } from './socks5/serve.js';
import { streamEngine } from './stream-engine.js';

// A failover a thousand times over, with real sockets on loopback; only the tunnels are played.

const CYCLES = 1_000;

/** What Node opens once and keeps, such as its way to the names of errors. */
const WARM_UP = 20;

/** What is ended by a tunnel's death ends within a few turns of the event loop. */
const PATIENCE = 2_000;

/** On loopback, 127.0.0.0/8 is two tunnels' worth of addresses for mappings, and ::1 the only one for the proxy. */
const MAPPED = ['127.0.0.2', '127.0.0.3'] as const;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

it(`gives back every descriptor in ${CYCLES} failovers, each under a flow of every kind`, async () => {
  const stage = await aStage();
  for (let i = 0; i < WARM_UP; i += 1) await stage.cycle();
  const before = descriptors();

  for (let i = 0; i < CYCLES; i += 1) await stage.cycle();

  expect(descriptors()).toBe(before);
  expect(stage.ended()).toBe((CYCLES + WARM_UP) * 4);
}, 60_000);

/** How many there are, that of the folder itself among them. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

async function aStage() {
  const tcp = await program(echo, '::1');
  const udp = await datagramEcho();
  closing.push(tcp.close, udp.close);
  let primary = 0;
  const ways = { mapping: handWays(...waysAt(MAPPED, primary)), socks5: handWays(...waysAt(['::1', '::1'], primary)) };
  const bench = { mapping: aBench(ways.mapping), socks5: aBench(ways.socks5) };
  const spec = { internalHost: '::1', externalPort: 0, v6Address: 'auto', direction: 'in', target: null } as const;
  const mappings = (
    [
      ['tcp', tcp],
      ['udp', udp],
    ] as const
  ).map(([protocol, { port }]) => {
    const more = { name: null, proxyProtocol: false, description: null };
    return new Mapping({ ...bench.mapping, spec: { ...spec, ...more, protocol, internalPort: port }, since: 0 });
  });
  const [mappedTcp, mappedUdp] = mappings;
  if (mappedTcp === undefined || mappedUdp === undefined) throw new Error('no mappings');
  await Promise.all(mappings.map((mapping) => mapping.settle()));
  const config = parseConfig(
    '[tunnel.a]\ntype = external\n[exposure.socks5]\nallow_destinations = ::1\n',
  )._unsafeUnwrap();
  const settings = { ...socks5SettingsOf(config), listen: { address: '127.0.0.1', port: 0 } };
  const { flows, log } = bench.socks5;
  const proxy = (
    await serveSocks5({ engine: streamEngine(), ways: ways.socks5, flows, settings, log })
  )._unsafeUnwrap();
  closing.push(
    () => proxy.close(),
    () => Promise.all(mappings.map((mapping) => mapping.close())),
  );

  return {
    ended: () =>
      Object.values(bench)
        .flatMap((one) => one.flows.totals())
        .reduce((n, t) => n + t.ended.tunnel_down, 0),
    /** A flow of every kind through the primary, which then dies; the other takes over. */
    cycle: async () => {
      const connections = [await answered(at(mappedTcp)), await answered(proxy.local, tcp)];
      const sessions = [await heard(at(mappedUdp)), await associated(proxy.local, udp)];
      const ends = connections.map(endOf);
      primary = 1 - primary;
      ways.mapping.set(...waysAt(MAPPED, primary));
      ways.socks5.set(...waysAt(['::1', '::1'], primary));
      await Promise.all([...ends, ...mappings.map((mapping) => mapping.settle())]);
      for (const socket of connections) socket.destroy();
      for (const close of sessions) await close();
      const left = () => [bench.mapping.flows.size, bench.socks5.flows.size, proxy.counts().associations];
      const began = performance.now();
      while (left().some((count) => count > 0)) {
        if (performance.now() - began > PATIENCE) throw new Error(`flows of a dead tunnel: ${left()}`);
        await turn();
      }
    },
  };
}

const at = (mapping: Mapping): Endpoint => {
  if (mapping.at === null) throw new Error('it does not listen');
  return mapping.at;
};

/** Two tunnels, of which the one that is not the primary is dead. */
function waysAt(addresses: readonly [string, string], primary: number): readonly Way[] {
  const ways = addresses.map((address, i) =>
    aWay({ tunnel: 'ab'.charAt(i), address, primary: i === primary, liveness: i === primary ? 'alive' : 'hard_down' }),
  );
  return primary === 0 ? ways : ways.reverse();
}

/** A connection that has been answered; by a SOCKS5 proxy where a target is given. */
async function answered(to: Endpoint, target: Endpoint | null = null): Promise<Socket> {
  const socket = await client(to);
  if (target !== null) {
    socket.write(Buffer.from([5, 1, 0, 5, 1, 0, 4, ...loopback(target)]));
    await exactly(socket, 2 + 22);
  }
  socket.write('x');
  await exactly(socket, 1);
  return socket;
}

/** A session of datagrams that has been answered. Resolves to what ends it. */
async function heard(to: Endpoint): Promise<() => Promise<void>> {
  const socket = createSocket('udp4');
  const answer = once(socket, 'message');
  socket.send('x', to.port, to.address);
  await answer;
  return () => closed(socket);
}

async function associated(proxy: Endpoint, target: Endpoint): Promise<() => Promise<void>> {
  const control = await client(proxy);
  control.write(Buffer.from([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0]));
  const port = (await exactly(control, 2 + 10)).readUInt16BE(10);
  const socket = createSocket('udp4');
  const answer = once(socket, 'message') as Promise<[Buffer]>;
  socket.send(writeDatagram(target, Buffer.from('x')), port, proxy.address);
  const [datagram] = await answer;
  expect(readDatagram(datagram).kind).toBe('read');
  return async () => {
    control.destroy();
    await once(control, 'close');
    await closed(socket);
  };
}

async function datagramEcho(): Promise<Endpoint & { close(): Promise<void> }> {
  const socket = createSocket('udp6');
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
  socket.bind(0, '::1');
  await once(socket, 'listening');
  return { address: '::1', port: socket.address().port, close: () => closed(socket) };
}

function closed(socket: ReturnType<typeof createSocket>): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}

/** What is said next; both sides speak in turn, so that nothing comes behind it. */
async function exactly(socket: Socket, count: number): Promise<Buffer> {
  let said = Buffer.alloc(0);
  while (said.length < count) {
    const more = socket.read() as Buffer | null;
    if (more !== null) said = Buffer.concat([said, more]);
    else if (socket.readableEnded) throw new Error(`it hung up after ${said.toString('hex')}`);
    else await Promise.race([once(socket, 'readable'), once(socket, 'end')]);
  }
  expect(said).toHaveLength(count);
  return said;
}

/** ::1 and a port, as RFC 1928 writes them. */
function loopback({ port }: Endpoint): readonly number[] {
  return [...Array.from({ length: 15 }, () => 0), 1, port >> 8, port & 0xff];
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
