import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tied } from './processes.js';

const LIMIT_MS = 30_000;

const SOURCES = ['load', 'target', 'streams', 'datagrams'].map((name) =>
  fileURLToPath(new URL(`./load/${name}.c`, import.meta.url)),
);

/** What `load` says of one run; what it does not say is NaN. */
export interface Done {
  readonly done: number;
  readonly bytes: number;
  readonly failed: number;
  readonly ms: number;
  /** How long half of the messages took at most, and 99 of 100, in µs. */
  readonly p50: number;
  readonly p99: number;
}

/** Compiles load into `folder`, and answers with the program. */
export async function compiledLoad(folder: string): Promise<string> {
  const load = join(folder, 'load');
  await promisify(execFile)('gcc', ['-O2', '-Wall', '-o', load, ...SOURCES]);
  return load;
}

/** Runs a program on one processor; resolves to its standard output. */
export async function on(cpu: number, argv: readonly string[]): Promise<string> {
  const options = { timeout: LIMIT_MS, maxBuffer: 4_194_304 };
  const running = promisify(execFile)('taskset', ['-c', `${cpu}`, ...argv], options);
  tied(running.child);
  return (await running).stdout;
}

export function doneIn(stdout: string): Done {
  const figure = (name: string): number => Number(new RegExp(`\\b${name} ([\\d.]+)`).exec(stdout)?.[1]);
  return {
    ...{ done: figure('done'), bytes: figure('bytes'), failed: figure('failed'), ms: figure('ms') },
    ...{ p50: figure('p50'), p99: figure('p99') },
  };
}
