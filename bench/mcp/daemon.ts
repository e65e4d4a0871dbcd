import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtCli } from '../../test/support/cli.js';
import { mustRun } from '../../test/support/command.js';
import { Namespace } from '../../test/support/namespace.js';
import { figuresOf } from '../figures.js';

// What a daemon costs that nobody speaks MCP to, beside one that has no MCP at all. In a network namespace of its own.

/** By turns, so that whatever else the machine does meets both. */
const ROUNDS = 7;
/** After its start, a daemon has its first garbage, its first probes and its timers behind it. */
const REST_MS = 1_500;

interface Cost {
  /** From the start of the process until it says that it runs. */
  readonly start: number;
  readonly rss: number;
  readonly own: number;
}

/** @param rounds fewer than usual, for a short run. */
export async function daemonRows(rounds = ROUNDS): Promise<string[][]> {
  if (process.getuid?.() !== 0) return [['a daemon with MCP, unused', '', '', '', '', '', 'not measured: needs root']];
  const [cli, space] = [await builtCli(), new Namespace(`bench-mcp-${process.pid}`)];
  const folder = mkdtempSync(join(tmpdir(), 'bench-mcp-daemon-'));
  await mustRun(['ip', 'netns', 'add', space.name]);
  try {
    await space.ip('link set lo up');
    const costs = { no: [] as Cost[], yes: [] as Cost[] };
    for (let round = 0; round < rounds; round += 1)
      for (const enabled of ['no', 'yes'] as const) costs[enabled].push(await costOf(enabled, cli, space, folder));
    return [rowOf('a daemon without MCP', costs.no), rowOf('a daemon with MCP, unused', costs.yes)];
  } finally {
    await space.remove();
    rmSync(folder, { recursive: true });
  }
}

function rowOf(what: string, costs: readonly Cost[]): string[] {
  const median = (of: keyof Cost): number => figuresOf(costs.map((cost) => cost[of])).p50;
  const said = `RSS ${median('rss').toFixed(1)} MB, of which its own ${median('own').toFixed(1)} MB (medians)`;
  const { n, p50, p99, max } = figuresOf(costs.map(({ start }) => start));
  return [`${what}: start`, `${n}`, ...[p50, p99, max].map((ms) => `${ms.toFixed(0)} ms`), '', said];
}

async function costOf(enabled: 'no' | 'yes', cli: string, space: Namespace, folder: string): Promise<Cost> {
  const file = join(folder, `${enabled}.conf`);
  const tunnel = '[tunnel.somebody]\ntype = external\niface = some0\n';
  writeFileSync(file, `[mcp]\nenabled = ${enabled}\nsocket = ${join(folder, 's')}\n${tunnel}`);
  const started = performance.now();
  const argv = ['netns', 'exec', space.name, process.execPath, cli, '-d', '-c', file];
  const child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  await said(child, 'Gateway started');
  const start = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  // `ip netns exec` becomes the program: its process is the daemon's.
  const kept = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8');
  const mb = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(kept)?.[1]) / 1_000;
  const gone = once(child, 'exit');
  child.kill();
  await gone;
  return { start, rss: mb('Rss'), own: mb('Private_Clean') + mb('Private_Dirty') };
}

function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let all = '';
    child.once('exit', () => reject(new Error(`the daemon ended:\n${all}`)));
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        all += String(chunk);
        if (all.includes(text)) resolve();
      });
  });
}
