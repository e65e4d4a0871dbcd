import { loadavg } from 'node:os';
import { figuresOf, short, tableOf } from '../figures.js';
import { bundled, HAS_NATIVE } from './bundled.js';
import { answerer, type Candidate, candidates } from './candidates.js';
import { compiledLoad } from './load.js';
import { LONGEST_FRAME, laidPath, missingForPath } from './path.js';
import { LOOPBACK, type Place } from './place.js';
import { costOf, ended, folderFor, listening } from './processes.js';
import { ANSWER_PORT, BULK_PORT, IPERF_PORT, LOAD_CPU, type Test, testsWith } from './tests.js';

// A mapping on each of the relay's engines beside the programs that do the same, on loopback and on a path of packets
// as small as a tunnel's. The relay has one processor, load and target share the other, and the candidates take turns.
// Needs gcc, iperf3, wrk, taskset and nginx; HAProxy and socat where they are installed, and for the path root and
// ethtool (Debian packages). Takes about sixteen minutes; prints one table in Markdown.
//
// Less of it: `ROWS=short,small RELAYS=native,HAProxy ROUNDS=3 npm run bench:relay`, by parts of their names.

const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const SECONDS = 2;
/** Before what counts: what is compiled as it runs has been by then, and all have warm caches. */
const WARM_UP_SECONDS = 1;
const RELAY_CPU = 1;
const RELAY_PORT = 27_001;

/** What came through, how long it took, and what the relay took for one unit of it, in ms of processor time. */
interface Figure {
  readonly amount: number;
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
}

/** What others are compared with. */
const DIRECT = 'direct';
const PEER = 'HAProxy';
const TUNED = 'HAProxy tuned';

/** Whether the environment names it, or nothing. */
const isAsked = (variable: string, name: string): boolean =>
  (process.env[variable] ?? '').split(',').some((part) => name.includes(part));

const folder = folderFor('bench-relay');
const load = await compiledLoad(folder);
const all = candidates(folder, await bundled(folder), HAS_NATIVE);
const present = all.filter(({ name, version }) => version !== null && isAsked('RELAYS', name));
const before = loadavg()[0] ?? Number.NaN;
const asked = testsWith(load).filter(({ what }) => isAsked('ROWS', what));
const rows: string[][] = [];
const notes: string[] = [];
await onLoopback(asked.filter(({ onPath }) => onPath === undefined));
await onPath(asked.filter(({ onPath }) => onPath === true));
console.log(
  tableOf(
    ['what', 'relay', 'median', 'of HAProxy', 'of tuned', 'of direct', 'processor', 'of HAProxy', 'of tuned'],
    rows,
  ),
);
const versions = all.map(({ name, version }) => `${name} ${version ?? 'not installed'}`).join(', ');
const loads = [before, loadavg()[0] ?? Number.NaN].map((value) => value.toFixed(1));
notes.push(`${versions}. Load average of a minute: ${loads[0]} before, ${loads[1]} after.`);
console.log(`\n${notes.join('\n')}`);

async function onLoopback(tests: readonly Test[]): Promise<void> {
  if (tests.length === 0) return;
  const at = LOOPBACK.direct;
  const targets = [
    await listening(LOAD_CPU, [load, 'target', at, `${BULK_PORT}`, `${BULK_PORT}`], at, BULK_PORT),
    await listening(LOAD_CPU, ['iperf3', '-s', '-p', `${IPERF_PORT}`], at, IPERF_PORT),
    await listening(LOAD_CPU, answerer(folder, ANSWER_PORT), at, ANSWER_PORT),
  ];
  for (const test of tests) rows.push(...(await compared(test, LOOPBACK)));
  for (const target of targets) await ended(target);
}

async function onPath(tests: readonly Test[]): Promise<void> {
  const missing = tests.length === 0 ? null : missingForPath();
  for (const { what } of missing === null ? [] : tests) notes.push(`${what}: left out, ${missing}`);
  if (tests.length === 0 || missing !== null) return;
  const path = await laidPath();
  // For the relay on 127.0.0.1, for who comes without one on the path's address.
  const argv = [...path.here, load, 'target', '::', `${BULK_PORT}`, `${BULK_PORT}`];
  const target = await listening(LOAD_CPU, argv, path.direct, BULK_PORT, path.isHeard);
  const found: string[][] = [];
  for (const test of tests) found.push(...(await compared(test, path)));
  const frame = path.frame();
  if (frame <= LONGEST_FRAME) rows.push(...found);
  notes.push(`Frames on the path: ${frame.toFixed(0)} B on average${frame <= LONGEST_FRAME ? '' : ': left out'}.`);
  await ended(target);
  await path.remove();
}

async function compared(test: Test, place: Place): Promise<string[][]> {
  const here = present.filter(({ rows }) => rows?.some((part) => test.what.includes(part)) ?? true);
  const figures = new Map<string, Figure[]>([DIRECT, ...here.map(({ name }) => name)].map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    figures.get(DIRECT)?.push(figureOf(await test.run(place.direct, test.target, SECONDS, place), Number.NaN));
    for (const candidate of here) figures.get(candidate.name)?.push(await through(candidate, test, place));
  }
  const median = (name: string, of: keyof Figure): number =>
    figuresOf((figures.get(name) ?? []).map((figure) => figure[of])).p50;
  const cell = (name: string, of: keyof Figure, unit: string): string =>
    Number.isNaN(median(name, of)) ? '' : `${short(median(name, of))} ${unit}`;
  const ratio = (name: string, to: string, of: keyof Figure): string => {
    const value = median(name, of) / median(to, of);
    return Number.isFinite(value) ? value.toFixed(2) : '';
  };
  const ratios = (name: string, of: keyof Figure): string[] => [PEER, TUNED].map((to) => ratio(name, to, of));
  const rowOf = (name: string, what: string, of: keyof Figure, unit: string): string[] => [
    ...[what, name, cell(name, of, unit), ...ratios(name, of), ratio(name, DIRECT, of)],
    ...(of === 'amount' ? [cell(name, 'cpu', test.perUnit), ...ratios(name, 'cpu')] : ['', '', '']),
  ];
  const names = [...figures.keys()];
  const isTimed = !Number.isNaN(median(DIRECT, 'p50'));
  return [
    ...names.map((name) => rowOf(name, test.what, 'amount', test.unit)),
    ...(isTimed ? names.map((name) => rowOf(name, `${test.what}, p50`, 'p50', 'µs')) : []),
    ...(isTimed ? names.map((name) => rowOf(name, `${test.what}, p99`, 'p99', 'µs')) : []),
  ];
}

async function through(candidate: Candidate, test: Test, place: Place): Promise<Figure> {
  const argv = [...place.here, ...candidate.argv(RELAY_PORT, test.target, place)];
  const relay = await listening(RELAY_CPU, argv, place.relay, RELAY_PORT, place.isHeard);
  await test.run(place.relay, RELAY_PORT, WARM_UP_SECONDS, place);
  const since = costOf(relay, RELAY_CPU);
  const run = await test.run(place.relay, RELAY_PORT, SECONDS, place);
  const cpu = (costOf(relay, RELAY_CPU) - since) / run.total;
  await ended(relay);
  return figureOf(run, candidate.forks === true ? Number.NaN : cpu);
}

function figureOf({ perSecond, p50, p99 }: Awaited<ReturnType<Test['run']>>, cpu: number): Figure {
  return { amount: perSecond, cpu, p50: p50 ?? Number.NaN, p99: p99 ?? Number.NaN };
}
