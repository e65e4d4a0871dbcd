import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { figuresOf, short, tableOf } from '../figures.js';
import { bundled, HAS_NATIVE } from './bundled.js';
import { compiledLoad, doneIn, on } from './load.js';
import { costOf, ended, folderFor, isBound, listening } from './processes.js';
import { idleCost } from './programs-idle.js';
import { npmPeersIn } from './programs-npm.js';
import { type Peer, peersIn } from './programs-peers.js';

// The SOCKS5 proxy and UDP mappings beside the programs that do the same, and what an idle connection through a TCP
// mapping costs, on loopback. The relay has one processor, load and target share the other; the candidates take turns.
// Needs gcc, taskset and prlimit; microsocks, danted, nginx, HAProxy and socat where they are installed, and what npm
// installs into a folder of its own for as long as this runs. Takes about eleven minutes; prints one table in Markdown.
// ROUNDS=1 IDLE=1000 tries it out in half a minute; ONLY=SOCKS5 measures what has that in its name.

const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
/** What a process may open here; a relay takes two for each connection, and some for itself. */
const FILES = Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
const IDLE = Math.min(Number(process.env['IDLE'] ?? 10_000), Math.floor(FILES / 2) - 50);
const LIMITS = ['prlimit', `--nofile=${FILES}:${FILES}`];
const MS = 2_000;
/** Under the same load before: what runs for weeks is measured, and not how its code is compiled. */
const WARM_UP_MS = 1_000;
const RELAY_CPU = 1;
const LOAD_CPU = 0;
const PORT = 47_011;
const TCP = 47_012;
const UDP = 47_013;
const CLIENTS = 64;
/** Datagrams of each new peer at once: together more than a socket holds that does not ask for room (udp(7)). */
const BURST_OF = [4, 16];
/** Bursts of a run, each of other peers: as many processes of what starts one for each. */
const BURSTS = 10;

interface Figure {
  readonly amount: number;
  /** Milliseconds of the relay's processor for one unit. */
  readonly cpu: number;
  /** Connections that failed, datagrams that did not come back. */
  readonly lost: number;
}

interface Test {
  readonly what: string;
  readonly unit: string;
  readonly perUnit: string;
  /** How many of what `load` counts make one unit. */
  readonly scale: number;
  readonly counts: 'done' | 'bytes';
  /** In all, not for each second. */
  readonly isCount?: true;
  /** Where the relay listens. `udp`: to datagrams, on [::1]. */
  readonly host: string | 'udp';
  readonly warmUp: readonly (string | number)[];
  readonly load: readonly (string | number)[];
  readonly ours: readonly Peer[];
  readonly peers: readonly Peer[];
}

/** Whether the environment names it, or nothing. */
const isAsked = (what: string): boolean => what.includes(process.env['ONLY'] ?? '');

const SHORT = 'SOCKS5, short connections';
const folder = folderFor('bench-programs');
const load = await compiledLoad(folder);
const program = await bundled(folder);
const { ours, socks5, associations, datagrams, idle } = peersIn(folder, program, HAS_NATIVE);
const npm = isAsked(SHORT) ? await npmPeersIn(folder) : [];
const both = [ours.stream, ours.native];

const v4 = '127.0.0.1';
const rate = { unit: '/s', perUnit: 'ms CPU', scale: 1, counts: 'done' } as const;
const timed = (...argv: readonly (string | number)[]): Pick<Test, 'warmUp' | 'load'> => ({
  warmUp: [...argv, WARM_UP_MS],
  load: [...argv, MS],
});
const proxied = { ...rate, host: v4, ours: both } as const;
const mapped = { ...rate, host: 'udp', ours: both, peers: datagrams } as const;
const TESTS: readonly Test[] = [
  { ...proxied, what: SHORT, ...timed('socks-rate', PORT, TCP, CLIENTS), peers: [...socks5, ...npm] },
  {
    ...{ ...proxied, what: 'SOCKS5, bulk', unit: 'GB/s', perUnit: 'ms CPU/GB', scale: 1e9, counts: 'bytes' },
    ...{ ...timed('socks-read', PORT, TCP), peers: socks5 },
  },
  {
    ...{ ...proxied, what: `SOCKS5, small messages, ${CLIENTS} connections` },
    ...{ ...timed('socks-talk', PORT, TCP, CLIENTS), peers: socks5 },
  },
  ...[1, CLIENTS].map((count): Test => {
    const what = `SOCKS5, UDP, ${count} association${count === 1 ? '' : 's'}`;
    return { ...proxied, what, ...timed('socks-echo', PORT, UDP, count), peers: associations };
  }),
  ...[1, CLIENTS].map((count): Test => {
    const what = `UDP mapping, ${count} peer${count === 1 ? '' : 's'}`;
    return { ...mapped, what, ...timed('echo', '::1', PORT, count) };
  }),
  ...BURST_OF.map((each): Test => {
    const what = `UDP mapping, ${CLIENTS} new peers with ${each} datagrams at once`;
    const [warmUp, load] = [
      ['echo', '::1', PORT, CLIENTS, WARM_UP_MS],
      ['burst', '::1', PORT, CLIENTS, each, BURSTS],
    ];
    return { ...mapped, what, isCount: true, unit: `of ${CLIENTS * each * BURSTS} back`, warmUp, load };
  }),
];

const before = loadavg()[0] ?? Number.NaN;
const target = await listening(LOAD_CPU, [...LIMITS, load, 'target', v4, `${TCP}`, `${UDP}`], v4, TCP);
const rows: string[][] = [];
for (const test of TESTS.filter(({ what }) => isAsked(what))) rows.push(...(await compared(test)));
for (const peer of isAsked('idle connections') ? [...both, ...idle].filter(isThere) : []) {
  const relay = await started(peer, '::1');
  const { each, base } = await idleCost(relay.pid ?? 0, [...LIMITS, load], PORT, IDLE);
  rows.push([
    `${IDLE} idle connections`,
    peer.name,
    `${each.toFixed(1)} kB each`,
    '',
    '',
    '',
    `${base.toFixed(0)} MB before`,
    '',
    '',
  ]);
  await ended(relay);
}
await ended(target);
const ofOurs = ['stream to it', 'native to it'];
console.log(tableOf(['what', 'relay', 'median', ...ofOurs, 'lost at most', 'processor', ...ofOurs], rows));
const versions = [...both, ...socks5, ...npm, ...datagrams, ...idle].map(
  ({ name, version }) => `${name} ${version ?? 'not installed'}`,
);
const loads = [before, loadavg()[0] ?? Number.NaN].map((value) => value.toFixed(1));
console.log(`\n${[...new Set(versions)].join(', ')}. Load average of a minute: ${loads[0]} before, ${loads[1]} after.`);

async function compared(test: Test): Promise<string[][]> {
  const present = [...test.ours, ...test.peers].filter(isThere);
  const figures = new Map<string, Figure[]>(present.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const peer of present) figures.get(peer.name)?.push(await through(peer, test));
  const median = (name: string, of: keyof Figure): number =>
    figuresOf((figures.get(name) ?? []).map((figure) => figure[of])).p50;
  const ratio = (own: Peer, name: string, of: keyof Figure): string => {
    const value = own.name === name ? Number.NaN : median(own.name, of) / median(name, of);
    return Number.isFinite(value) ? value.toFixed(2) : '';
  };
  const ratios = (name: string, of: keyof Figure): string[] =>
    [ours.stream, ours.native].map((own) => ratio(own, name, of));
  return present.map(({ name }) => {
    const cpu = median(name, 'cpu');
    const amount = median(name, 'amount');
    return [
      test.what,
      name,
      `${test.isCount === true ? amount : short(amount)} ${test.unit}`,
      ...ratios(name, 'amount'),
      `${Math.max(...(figures.get(name) ?? []).map(({ lost }) => lost))}`,
      Number.isNaN(cpu) ? '' : `${short(cpu)} ${test.perUnit}`,
      ...ratios(name, 'cpu'),
    ];
  });
}

async function through(peer: Peer, test: Test): Promise<Figure> {
  const relay = await started(peer, test.host);
  await loaded(test.warmUp);
  const since = costOf(relay, RELAY_CPU);
  const run = doneIn(await loaded(test.load));
  const used = costOf(relay, RELAY_CPU) - since;
  await ended(relay);
  const amount = run[test.counts] / test.scale;
  return {
    amount: test.isCount === true ? amount : amount / (run.ms / 1_000),
    cpu: peer.forks === true ? Number.NaN : used / amount,
    lost: run.failed,
  };
}

function loaded(what: readonly (string | number)[]): Promise<string> {
  return on(LOAD_CPU, [load, ...what.map(String)]);
}

function isThere({ version }: Peer): boolean {
  return version !== null;
}

function started(peer: Peer, host: string): ReturnType<typeof listening> {
  const argv = [...LIMITS, ...peer.argv(PORT, TCP, UDP)];
  return host === 'udp' ? listening(RELAY_CPU, argv, host, PORT, isBound) : listening(RELAY_CPU, argv, host, PORT);
}
