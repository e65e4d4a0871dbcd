import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { DatagramEngine, Endpoint, Flow } from './contracts.js';

const HOST = '127.0.0.1';

/** None, a common one, and more than a page of memory has. */
const SIZES = [0, 1_200, 9_000];

/** None of it lives as long. */
const IDLE_MS = 60_000;

/** Sends datagrams through an engine, over loopback, to be sent back. Null: they came whole; else what came instead. */
export async function tryDatagrams(engine: DatagramEngine, signal: AbortSignal): Promise<string | null> {
  const echo = await bound(signal);
  echo.on('message', (bytes, { port }) => echo.send(bytes, port, HOST));
  const flow: Flow = { id: 0, signal, count: () => {}, closed: () => {} };
  const opened = await engine.datagrams({
    at: { address: HOST, port: 0 },
    idle: IDLE_MS,
    peers: 1,
    admit: () => ({ to: endOf(echo), source: null, flow }),
    over: () => {},
    lost: () => {},
  });
  if (opened.isErr()) return `it cannot take datagrams: ${opened.error.kind}`;
  const { local, close } = opened.value;
  const client = await bound(signal);
  for (const size of SIZES) {
    const sent = Buffer.alloc(size, 'hurricane');
    client.send(sent, local.port, HOST);
    const [back] = (await once(client, 'message', { signal })) as [Buffer];
    if (!back.equals(sent)) return `a datagram of ${size} B came back with ${back.length} B`;
  }
  await close();
  return null;
}

async function bound(signal: AbortSignal): Promise<Socket> {
  const socket = createSocket('udp4').on('error', () => {});
  signal.addEventListener('abort', () => socket.close(), { once: true });
  socket.bind(0, HOST);
  await once(socket, 'listening', { signal });
  return socket;
}

function endOf(socket: Socket): Endpoint {
  return { address: HOST, port: socket.address().port };
}
