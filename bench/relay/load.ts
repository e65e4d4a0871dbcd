import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const LIMIT_MS = 30_000;

/** What `load` (load.c) says of one run. */
export interface Done {
  readonly done: number;
  readonly bytes: number;
  readonly failed: number;
  readonly ms: number;
}

/** Compiles load.c into `folder`, and answers with the program. */
export async function compiledLoad(folder: string): Promise<string> {
  const load = join(folder, 'load');
  await promisify(execFile)('gcc', ['-O2', '-Wall', '-o', load, fileURLToPath(new URL('./load.c', import.meta.url))]);
  return load;
}

/** Runs a program on one processor; resolves to its standard output. */
export async function on(cpu: number, argv: readonly string[]): Promise<string> {
  const options = { timeout: LIMIT_MS, maxBuffer: 4_194_304 };
  return (await promisify(execFile)('taskset', ['-c', `${cpu}`, ...argv], options)).stdout;
}

export function doneIn(stdout: string): Done {
  const [done = Number.NaN, bytes = Number.NaN, failed = Number.NaN, ms = Number.NaN] = (
    /done (\d+) bytes (\d+) failed (\d+) ms (\d+)/.exec(stdout) ?? []
  )
    .slice(1)
    .map(Number);
  return { done, bytes, failed, ms };
}
