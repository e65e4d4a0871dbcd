import { figuresOf } from '../figures.js';
import { BenchClient } from './client.js';
import type { BenchServer } from './process.js';
import { us, verdict } from './words.js';

const CALL = { name: 'get_tunnel_status', arguments: {} };

/** What an assistant that polls hard asks for. */
const PER_CLIENT_AND_SECOND = 20;

/** Each client asks as soon as it has been answered: with fifty, most of the time is spent in a queue. */
export async function closedRow(server: BenchServer, clients: number, calls: number): Promise<string[]> {
  return measured(server, clients, `${named(clients)} asking again at once`, calls, async (each) => {
    const took: number[] = [];
    const again = async (client: BenchClient): Promise<void> => {
      for (let i = 0; i < calls / clients; i += 1) {
        const from = performance.now();
        await client.ask('tools/call', CALL);
        took.push(performance.now() - from);
      }
    };
    await Promise.all(each.map(again));
    return took;
  });
}

/** So many calls a second whatever is answered, by one client after the other; counted from when each was due. */
export async function pacedRow(server: BenchServer, clients: number, calls: number): Promise<string[]> {
  const rate = clients * PER_CLIENT_AND_SECOND;
  const what = `${named(clients)}, each ${PER_CLIENT_AND_SECOND} calls a second`;
  return measured(server, clients, what, calls, async (each) => {
    const took: Promise<number>[] = [];
    const started = performance.now();
    while (took.length < calls) {
      const due = started + (took.length * 1_000) / rate;
      const client = each[took.length % clients];
      if (performance.now() < due) await new Promise((resolve) => setImmediate(resolve));
      else if (client !== undefined) took.push(client.ask('tools/call', CALL).then(() => performance.now() - due));
    }
    return Promise.all(took);
  });
}

async function measured(
  server: BenchServer,
  count: number,
  what: string,
  calls: number,
  run: (clients: readonly BenchClient[]) => Promise<readonly number[]>,
): Promise<string[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => BenchClient.to(server.path)));
  // Until V8 has compiled what it will.
  for (let i = 0; i < calls / 10; i += 1) await clients[i % count]?.ask('tools/call', CALL);
  const before = Number(await server.ask('cpu'));
  const took = await run(clients);
  const cpu = (Number(await server.ask('cpu')) - before) / took.length;
  for (const client of clients) client.close();
  const { n, p50, p99, max } = figuresOf(took);
  const goal = verdict(p50 <= 0.12 && p99 <= 2, 'p50 ≤ 120 µs, p99 ≤ 2 ms');
  return [what, `${n}`, us(p50), us(p99), us(max), `${cpu.toFixed(0)} µs`, goal];
}

const named = (count: number): string => (count === 1 ? '1 client' : `${count} clients`);
