import { BenchClient } from './client.js';
import type { BenchServer } from './process.js';
import { verdict } from './words.js';

/** What the server takes, after a forced collection of garbage. */
export interface Held {
  readonly connections: number;
  /** Bytes that V8 has in use, and those it knows of outside its heap. */
  readonly heap: number;
  /** Bytes, pages shared with others by their share (`Pss` in proc_pid_smaps(5)). */
  readonly pss: number;
}

const AT = [0, 50, 100];
/** A connection that is closed is noticed within a turn or two. */
const LOOKS_AT_MOST = 1_000;

/** By how much a server that has had no client yet grows with each connection that rests. */
export async function memoryRows(server: BenchServer): Promise<string[][]> {
  // What the first connection makes the process take, such as the SDK, is no connection's own.
  for (const client of await resting(server, 1)) client.close();
  const clients: BenchClient[] = [];
  const found: Held[] = [];
  for (const count of AT) {
    clients.push(...(await resting(server, count - clients.length)));
    found.push(await heldWith(server, count));
  }
  for (const client of clients) client.close();
  const row = (what: string, of: (held: Held) => number): string[] => {
    const each = slopeOf(found.map((held) => [held.connections, of(held) / 1_000]));
    return [what, AT.join(', '), `${each.toFixed(1)} kB`, '', '', '', verdict(each <= 200, '≤ 200 kB')];
  };
  return [row('an idle connection: heap', (held) => held.heap), row('the same: the process (PSS)', (held) => held.pss)];
}

/** Clients that have asked for the tools and how the tunnels are, and rest. */
async function resting(server: BenchServer, count: number): Promise<readonly BenchClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => BenchClient.to(server.path)));
  for (const client of clients) {
    await client.ask('tools/list', {});
    for (let i = 0; i < 2; i += 1) await client.ask('tools/call', { name: 'get_tunnel_status', arguments: {} });
  }
  return clients;
}

async function heldWith(server: BenchServer, connections: number): Promise<Held> {
  for (let look = 0; look < LOOKS_AT_MOST; look += 1) {
    const held = JSON.parse(await server.ask('memory')) as Held;
    if (held.connections === connections) return held;
  }
  throw new Error(`the server has not come to ${connections} connections`);
}

/** Least squares. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((p) => p[0]), mean((p) => p[1])];
  return mean((p) => (p[0] - x) * (p[1] - y)) / mean((p) => (p[0] - x) ** 2);
}
