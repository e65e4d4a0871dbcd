import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { figuresOf, short, tableOf } from '../figures.js';
import { bundled, HAS_NATIVE } from './bundled.js';
import { answerer, type Candidate, candidates } from './candidates.js';
import { compiledLoad, doneIn, on } from './load.js';
import { cpuOf, ended, listening } from './processes.js';

// A mapping on each of the relay's engines beside the programs that do the same, on loopback. The relay has one
// processor, load and target share the other, and the candidates take turns. Needs gcc (load.c), iperf3, wrk, taskset
// and nginx; HAProxy and socat where they are installed (Debian packages). Takes about eight minutes; prints one table
// in Markdown.
//
// Less of it: `ROWS=short,small RELAYS=native,HAProxy ROUNDS=3 npm run bench:relay`, by parts of their names.

const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const SECONDS = 2;

/** iperf3's server takes one client at a time, and whoever looks whether the relay listens is one, for a moment. */
const BULK_TRIES = 10;
const BULK_PAUSE_MS = 200;
/** Before what counts: what is compiled as it runs has been by then, and all have warm caches. */
const WARM_UP_SECONDS = 1;
const RELAY_CPU = 1;
const LOAD_CPU = 0;
/** Below those that the kernel gives to connections (`net.ipv4.ip_local_port_range`), of which a bench uses many. */
const RELAY_PORT = 27_001;
const BULK_PORT = 27_002;
const ANSWER_PORT = 27_003;
const IPERF_PORT = 27_004;

/** How much came through, and what the relay took for one unit of it, in milliseconds of processor time. */
interface Figure {
  readonly amount: number;
  readonly cpu: number;
}

interface Test {
  readonly what: string;
  readonly unit: string;
  readonly perUnit: string;
  readonly target: number;
  /** Of one run against a port: per second, and in all. */
  run(host: string, port: number, seconds: number): Promise<{ readonly perSecond: number; readonly total: number }>;
}

const BULK = { unit: 'GB/s', perUnit: 'ms CPU/GB' } as const;

const TESTS: readonly Test[] = [
  { ...BULK, what: 'bulk, 1 stream', target: BULK_PORT, run: bulk(1) },
  { ...BULK, what: 'bulk, 64 streams', target: BULK_PORT, run: bulk(64) },
  { ...BULK, what: 'bulk by iperf3, 1 stream', target: IPERF_PORT, run: iperf3(1) },
  { what: 'short connections', unit: '/s', perUnit: 'ms CPU', target: ANSWER_PORT, run: requests('close') },
  { what: 'small messages, 64 connections', unit: '/s', perUnit: 'ms CPU', target: ANSWER_PORT, run: requests(null) },
];

/** Whether the environment names it, or nothing. */
const isAsked = (variable: string, name: string): boolean =>
  (process.env[variable] ?? '').split(',').some((part) => name.includes(part));

const folder = await mkdtemp(join(tmpdir(), 'bench-relay-'));
const load = await compiledLoad(folder);
const all = candidates(folder, await bundled(folder), HAS_NATIVE);
const present = all.filter(({ name, version }) => version !== null && isAsked('RELAYS', name));
const before = loadavg()[0] ?? Number.NaN;
const targets = [
  await listening(LOAD_CPU, [load, 'target', `${BULK_PORT}`, `${BULK_PORT}`], '127.0.0.1', BULK_PORT),
  await listening(LOAD_CPU, ['iperf3', '-s', '-p', `${IPERF_PORT}`], '127.0.0.1', IPERF_PORT),
  await listening(LOAD_CPU, answerer(folder, ANSWER_PORT), '127.0.0.1', ANSWER_PORT),
];
const rows: string[][] = [];
for (const test of TESTS) if (isAsked('ROWS', test.what)) rows.push(...(await compared(test)));
for (const child of targets) await ended(child);
await rm(folder, { recursive: true });
console.log(tableOf(['what', 'relay', 'median', 'of HAProxy', 'of direct', 'processor', 'of HAProxy'], rows));
const versions = all.map(({ name, version }) => `${name} ${version ?? 'not installed'}`).join(', ');
const loads = [before, loadavg()[0] ?? Number.NaN].map((value) => value.toFixed(1));
console.log(`\n${versions}. Load average of a minute: ${loads[0]} before, ${loads[1]} after.`);

async function compared(test: Test): Promise<string[][]> {
  const figures = new Map<string, Figure[]>([['direct', []], ...present.map(({ name }) => [name, []] as const)] as [
    string,
    Figure[],
  ][]);
  for (let round = 0; round < ROUNDS; round += 1) {
    figures
      .get('direct')
      ?.push({ amount: (await test.run('127.0.0.1', test.target, SECONDS)).perSecond, cpu: Number.NaN });
    for (const candidate of present) figures.get(candidate.name)?.push(await through(candidate, test));
  }
  const median = (name: string, of: keyof Figure): number =>
    figuresOf((figures.get(name) ?? []).map((figure) => figure[of])).p50;
  const ratio = (name: string, to: string, of: keyof Figure): string => {
    const value = median(name, of) / median(to, of);
    return Number.isFinite(value) ? value.toFixed(2) : '';
  };
  return [...figures.keys()].map((name) => {
    const amount = `${short(median(name, 'amount'))} ${test.unit}`;
    const cpu = Number.isNaN(median(name, 'cpu')) ? '' : `${short(median(name, 'cpu'))} ${test.perUnit}`;
    const ratios = [ratio(name, 'HAProxy', 'amount'), ratio(name, 'direct', 'amount')];
    return [test.what, name, amount, ...ratios, cpu, ratio(name, 'HAProxy', 'cpu')];
  });
}

async function through(candidate: Candidate, test: Test): Promise<Figure> {
  const relay = await listening(RELAY_CPU, candidate.argv(RELAY_PORT, test.target), '::1', RELAY_PORT);
  await test.run('::1', RELAY_PORT, WARM_UP_SECONDS);
  const since = cpuOf(relay.pid ?? 0);
  const { perSecond, total } = await test.run('::1', RELAY_PORT, SECONDS);
  const cpu = (cpuOf(relay.pid ?? 0) - since) / total;
  await ended(relay);
  return { amount: perSecond, cpu: candidate.forks === true ? Number.NaN : cpu };
}

/** load.c, from the far side to the client. */
function bulk(streams: number): Test['run'] {
  return async (host, port, seconds) => {
    const argv = [load, 'read', host, `${port}`, `${streams}`, `${seconds * 1_000}`];
    const { bytes, ms } = doneIn(await on(LOAD_CPU, argv));
    return { perSecond: bytes / 1e6 / ms, total: bytes / 1e9 };
  };
}

/** iperf3(1), the same way. It takes more of the processor that it shares with its server than the relay has to do. */
function iperf3(streams: number): Test['run'] {
  return async (host, port, seconds) => {
    const argv = ['-c', host, '-p', `${port}`, '-P', `${streams}`, '-t', `${seconds}`, '-R', '-J'];
    for (let tries = 1; ; tries += 1) {
      const { end, error } = JSON.parse(await on(LOAD_CPU, ['iperf3', ...argv])) as Iperf;
      const sum = end?.sum_received;
      if (sum !== undefined) return { perSecond: sum.bits_per_second / 8e9, total: sum.bytes / 1e9 };
      if (tries === BULK_TRIES) throw new Error(`iperf3: ${error ?? 'it says nothing of what it received'}`);
      await pause(BULK_PAUSE_MS);
    }
  };
}

interface Iperf {
  readonly end?: { readonly sum_received?: { readonly bytes: number; readonly bits_per_second: number } };
  readonly error?: string;
}

/** wrk(1): 64 connections, each asking again once it is answered; `close`: on a new one. */
function requests(connection: 'close' | null): Test['run'] {
  return async (host, port, seconds) => {
    const header = connection === null ? [] : ['-H', `Connection: ${connection}`];
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
    const said = await on(LOAD_CPU, ['wrk', '-t1', '-c64', `-d${seconds}s`, ...header, url]);
    const total = Number(/(\d+) requests in/.exec(said)?.[1]);
    return { perSecond: Number(/Requests\/sec: +([\d.]+)/.exec(said)?.[1]), total };
  };
}
