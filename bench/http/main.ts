import { type ChildProcess, fork } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { figuresOf, tableOf } from '../figures.js';
import { hammer, type Load, pace } from './load.js';

// Our API beside the limit of its host, bare node:http, and beside Fastify: the servers take turns, so that whatever
// else the machine does meets all of them. Takes about two minutes. Prints one table in Markdown.

const KINDS = ['hurricane', 'node:http', 'fastify'] as const;
const SIZES = [1, 16, 1_000];
const ROUNDS = 3;
const RATE = 1_000;
const PACED = 3_000;
/** A start under tsx on a busy machine. */
const REPLY_LIMIT_MS = 30_000;

/** Not run here: the C gateway whose API this is takes one connection in each turn of a loop of 100 ms. */
const C_PROGRAM = ['the C program, as published', '10', '', '20.00 ms', '112.00 ms', '', ''];

type Kind = (typeof KINDS)[number];

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
}

const rows: string[][] = [];
const before = loadavg()[0] ?? Number.NaN;
for (const size of SIZES) {
  const servers = new Map<Kind, Server>();
  for (const kind of KINDS) servers.set(kind, await started(kind, size));
  for (const path of ['/health', '/tunnels']) rows.push(...(await compared(path, size, servers)));
  if (size === 16) rows.push(...(await pacedRows(servers)));
  const ours = servers.get('hurricane');
  if (size === 1_000 && ours !== undefined) rows.push(blockRow(await blocksOf(ours)));
  for (const { child } of servers.values()) child.disconnect();
}
rows.push(['/health', ...C_PROGRAM]);
const after = loadavg()[0] ?? Number.NaN;
console.log(tableOf(['what', 'server', 'requests/s', 'of node:http', 'p50', 'p99', 'max', 'goal'], rows));
console.log(
  `\nLoad average of a minute: ${before.toFixed(1)} before, ${after.toFixed(1)} after. Node ${process.version}.`,
);

async function compared(path: string, size: number, servers: ReadonlyMap<Kind, Server>): Promise<string[][]> {
  const loads = new Map<Kind, Load[]>(KINDS.map((kind) => [kind, []]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [kind, { port }] of servers) loads.get(kind)?.push(await hammer(`http://127.0.0.1:${port}${path}`));
  const median = (kind: Kind, of: keyof Load): number => figuresOf((loads.get(kind) ?? []).map((load) => load[of])).p50;
  const limit = median('node:http', 'perSecond');
  return KINDS.map((kind) => {
    const ratio = median(kind, 'perSecond') / limit;
    const goal = kind === 'hurricane' && path === '/health' ? verdict(ratio >= 0.85, '≥ 0.85') : '';
    const what = `${path}, ${size} tunnel${size === 1 ? '' : 's'}`;
    const latencies = [ms(median(kind, 'p50')), ms(median(kind, 'p99')), ''];
    return [what, kind, median(kind, 'perSecond').toFixed(0), ratio.toFixed(2), ...latencies, goal];
  });
}

async function pacedRows(servers: ReadonlyMap<Kind, Server>): Promise<string[][]> {
  const found: string[][] = [];
  for (const [kind, { port }] of servers) {
    const { p50, p99, max } = figuresOf(await pace(`http://127.0.0.1:${port}/health`, RATE, PACED));
    const goal = kind === 'hurricane' ? verdict(p99 <= 1, 'p99 ≤ 1 ms') : '';
    found.push(['/health, 16 tunnels, paced', kind, `${RATE}`, '', ms(p50), ms(p99), ms(max), goal]);
  }
  return found;
}

function blockRow(took: readonly number[]): string[] {
  const { p50, p99, max } = figuresOf(took);
  const what = '/tunnels, 1000 tunnels: event loop blocked';
  return [what, 'hurricane', '', '', ms(p50), ms(p99), ms(max), verdict(max <= 5, '≤ 5 ms')];
}

async function started(kind: Kind, size: number): Promise<Server> {
  const file = fileURLToPath(new URL('./server.ts', import.meta.url));
  const child = fork(file, [kind, `${size}`], { execArgv: ['--import', 'tsx'] });
  return { child, port: Number(await reply(child)) };
}

async function blocksOf({ child }: Server): Promise<readonly number[]> {
  const answered = reply(child);
  child.send('blocks');
  return (await answered) as readonly number[];
}

function reply(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a server did not answer')), REPLY_LIMIT_MS);
    child.once('message', (message) => {
      clearTimeout(timer);
      resolve(message);
    });
    child.once('exit', (code) => reject(new Error(`a server ended with ${code}`)));
  });
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

function verdict(met: boolean, goal: string): string {
  return `${goal}: ${met ? 'met' : '**missed**'}`;
}
