import { type ChildProcess, fork } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { figuresOf, tableOf } from '../figures.js';
import { BenchClient } from './client.js';

// What MCP over the Unix socket costs: a call, a connection, an update. Takes about half a minute, or a second or two
// with `-- --short`. Prints one table in Markdown.

const TUNNELS = 16;
const CALLS = process.argv.includes('--short') ? 500 : 20_000;
const CONNECTIONS = 100;
const UPDATES = process.argv.includes('--short') ? 50 : 500;

const before = loadavg()[0] ?? Number.NaN;
const file = fileURLToPath(new URL('./server.ts', import.meta.url));
const child = fork(file, [`${TUNNELS}`], { execArgv: ['--import', 'tsx', '--expose-gc'] });
const path = await reply(child);
const rows: string[][] = [];
for (const clients of [1, 50]) rows.push(await callRow(clients));
rows.push(await memoryRow(), await updateRow());
child.disconnect();

console.log(tableOf(['what', 'n', 'p50', 'p99', 'max', 'goal'], rows));
const after = loadavg()[0] ?? Number.NaN;
console.log(
  `\nLoad average of a minute: ${before.toFixed(1)} before, ${after.toFixed(1)} after. Node ${process.version}.`,
);

/** Each client asks when it has been answered; with fifty, most of the time is spent in a queue. */
async function callRow(count: number): Promise<string[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => BenchClient.to(path)));
  const took: number[] = [];
  const each = async (client: BenchClient): Promise<void> => {
    for (let i = 0; i < CALLS / count; i += 1) {
      const from = performance.now();
      await client.ask('tools/call', { name: 'get_tunnel_status' });
      took.push(performance.now() - from);
    }
  };
  await each(clients[0]!);
  took.length = 0;
  await Promise.all(clients.map(each));
  for (const client of clients) client.close();
  const { n, p50, p99, max } = figuresOf(took);
  const met = p50 <= 0.12 && p99 <= 2;
  const what = `tools/call get_tunnel_status, ${TUNNELS} tunnels, ${count} client${count === 1 ? '' : 's'}`;
  return [what, `${n}`, us(p50), us(p99), us(max), verdict(met, 'p50 ≤ 120 µs, p99 ≤ 2 ms')];
}

async function memoryRow(): Promise<string[]> {
  // What the first connections make the process take is no connection's own.
  for (const client of await resting()) client.close();
  const asked = await memory();
  const clients = await resting();
  const each = ((await memory()) - asked) / CONNECTIONS / 1_000;
  for (const client of clients) client.close();
  return [
    'memory of an idle connection',
    `${CONNECTIONS}`,
    `${each.toFixed(0)} kB`,
    '',
    '',
    verdict(each <= 200, '≤ 200 kB'),
  ];
}

/** Clients that have asked for the tools, and rest. */
async function resting(): Promise<readonly BenchClient[]> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => BenchClient.to(path)));
  for (const client of clients) await client.ask('tools/list', {});
  return clients;
}

async function updateRow(): Promise<string[]> {
  const client = await BenchClient.to(path);
  await client.ask('resources/subscribe', { uri: 'hurricane://health' });
  const took: number[] = [];
  for (let i = 0; i < UPDATES; i += 1) {
    const told = client.next().then(() => process.hrtime.bigint());
    const changed = reply(child);
    child.send('change');
    const [at, then] = await Promise.all([told, changed]);
    took.push(Number(at - BigInt(then)) / 1e6);
  }
  client.close();
  const { n, p50, p99, max } = figuresOf(took);
  return [
    'an update, from the change to its follower',
    `${n}`,
    us(p50),
    us(p99),
    us(max),
    verdict(max <= 10, '≤ 10 ms'),
  ];
}

async function memory(): Promise<number> {
  const answered = reply(child);
  child.send('memory');
  return Number(await answered);
}

function reply(from: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('the server has ended'));
    from.once('exit', ended);
    from.once('message', (message) => {
      from.off('exit', ended);
      resolve(String(message));
    });
  });
}

function us(ms: number): string {
  return `${(ms * 1_000).toFixed(0)} µs`;
}

function verdict(met: boolean, goal: string): string {
  return `${goal}: ${met ? 'met' : '**missed**'}`;
}
