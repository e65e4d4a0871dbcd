import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Endpoint, Flow, FlowEnd, Way, Ways } from './contracts.js';
import { FlowTable } from './flows.js';

// Programs on both sides of a relay, on loopback.

export const HOST = '127.0.0.1';

/** A program that serves one connection at a time by `serve`. */
export async function program(serve: (socket: Socket) => void, host = HOST): Promise<Endpoint & { close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on('error', () => {}));
    serve(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { address: host, port, close };
}

/** Sends back all it gets, and ends when the other side has. */
export const echo = (socket: Socket): void => void socket.pipe(socket);

/** A client that may be refused, or reset as soon as it has connected. */
export function connecting(to: Endpoint): Socket {
  return connect({ host: to.address, port: to.port, allowHalfOpen: true }).on('error', () => {});
}

export async function client(to: Endpoint): Promise<Socket> {
  const socket = connecting(to);
  await once(socket, 'connect');
  return socket;
}

/** All bytes until the other side's FIN. Rejects when it resets. */
export async function allOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Resolves to how the socket came to its end: an error code, or null for a FIN. */
export function endOf(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    socket.once('end', () => resolve(null));
    socket.resume();
  });
}

/** How many connections are on their way there (proc_net(5)): 02 is SYN_SENT, as include/net/tcp_states.h has it. */
export function attemptsTo({ port }: Endpoint): number {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')} 02 `;
  const sockets = ['tcp', 'tcp6'].map((family) => readFileSync(`/proc/net/${family}`, 'utf8'));
  return sockets.join('').split(end).length - 1;
}

export function aWay(parts: Partial<Way> = {}): Way {
  return { tunnel: 'a', iface: 'he-a', address: '::1', primary: true, liveness: 'alive', ...parts };
}

/** Ways that a test changes by hand. */
export interface HandWays extends Ways {
  set(...ways: readonly Way[]): void;
}

export function handWays(...first: readonly Way[]): HandWays {
  const listeners = new Set<() => void>();
  let ways = first;
  return {
    now: () => ways,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set: (...next) => {
      ways = next;
      for (const listener of listeners) listener();
    },
  };
}

/** A flow on its own, which remembers what it was told. */
export interface HandFlow extends Flow {
  readonly told: { sent: number; received: number; ends: FlowEnd[] };
  abort(how: FlowEnd): void;
}

export function handFlow(): HandFlow {
  const abort = new AbortController();
  const told = { sent: 0, received: 0, ends: [] as FlowEnd[] };
  return {
    id: 1,
    signal: abort.signal,
    told,
    abort: (how) => abort.abort(how),
    count: (sent, received) => {
      told.sent += sent;
      told.received += received;
    },
    closed: (end) => void told.ends.push(end),
  };
}

export function aFlowTable(ways: Ways = handWays(aWay())): FlowTable {
  return new FlowTable({ ways, now: () => 1_700_000_000 });
}
