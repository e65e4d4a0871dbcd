import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Millis } from '@hurricane/core';
import type { DatagramEngine, Endpoint, Engine, Flow, FlowEnd } from './contracts.js';
import { tryDatagrams } from './datagram-trial.js';

/** For all of the trial: it takes some ten milliseconds where all is well. */
export const TRIAL_LIMIT: Millis = 2_000;

const HOST = '127.0.0.1';

/** Enough that bytes are spliced on their way back, too. */
const ECHOED_BYTES = 600_000;

/**
 * Whether an engine carries here what it promises to: bytes both ways over loopback with an end on each side, a reset,
 * and datagrams. Null: it does; else half a sentence of what it did. Nothing of the trial is left afterwards.
 */
export async function tryEngine(engine: Engine & DatagramEngine, limit: Millis = TRIAL_LIMIT): Promise<string | null> {
  const over = new AbortController();
  const late = setTimeout(() => over.abort(`nothing came of its trial within ${limit} ms`), limit);
  const cut = new Promise<string>((resolve) => {
    over.signal.addEventListener('abort', () => resolve(String(over.signal.reason)), { once: true });
  });
  const outcome = await Promise.race([cut, trial(engine, over.signal).catch((error) => `its trial failed: ${error}`)]);
  clearTimeout(late);
  over.abort(outcome);
  return outcome;
}

async function trial(engine: Engine & DatagramEngine, signal: AbortSignal): Promise<string | null> {
  const resets: Promise<string | null>[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    resets.push(endOf(socket));
    socket.pipe(socket);
  });
  server.listen(0, HOST);
  await once(server, 'listening', { signal });
  signal.addEventListener('abort', () => server.close(), { once: true });
  const through = await lead(engine, { address: HOST, port: portOf(server) }, signal);
  if (typeof through === 'string') return through;
  const echoed = await echo(await client(through.at, signal));
  if (echoed !== null) return echoed;
  const first = await through.nextEnd();
  if (first !== 'finished') return `a connection that had ended counted as ${first}`;

  const socket = await client(through.at, signal);
  socket.write('x');
  await once(socket, 'data', { signal });
  socket.resetAndDestroy();
  const second = await through.nextEnd();
  const seen = await resets[1];
  if (second !== 'reset') return `a connection that was reset counted as ${second}`;
  if (seen !== 'ECONNRESET') return `a reset arrived as ${seen ?? 'an end'}`;
  return tryDatagrams(engine, signal);
}

interface Through {
  readonly at: Endpoint;
  nextEnd(): Promise<FlowEnd | undefined>;
}

async function lead(engine: Engine, to: Endpoint, signal: AbortSignal): Promise<Through | string> {
  const ends: Promise<FlowEnd>[] = [];
  const flow: Flow = { id: 0, signal, count: () => {}, closed: () => {} };
  const listening = await engine.listen({ address: HOST, port: 0 }, (near) => {
    const joined = engine.connect({ to, source: null, timeout: TRIAL_LIMIT, signal }).match(
      (far) => engine.join(near, far, flow),
      () => {
        near.reset();
        return 'reset' as const;
      },
    );
    ends.push(joined.then((end) => end));
  });
  if (listening.isErr()) return `it cannot listen: ${listening.error.kind}`;
  const { local, close } = listening.value;
  signal.addEventListener('abort', () => void close(), { once: true });
  return { at: local, nextEnd: async () => ends.shift() };
}

async function client({ address: host, port }: Endpoint, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true }).on('error', () => {});
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  await once(socket, 'connect', { signal });
  return socket;
}

async function echo(socket: Socket): Promise<string | null> {
  const bytes = Buffer.alloc(ECHOED_BYTES, 'hurricane');
  socket.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const back = Buffer.concat(chunks);
  return back.equals(bytes) ? null : `${back.length} of ${bytes.length} B came back`;
}

/** Resolves to how the socket came to its end: an error code, or null for a FIN. */
function endOf(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    socket.once('end', () => resolve(null));
  });
}

function portOf(server: Server): number {
  const bound = server.address();
  return bound !== null && typeof bound === 'object' ? bound.port : 0;
}
