import { readdir, readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { DriverError, Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { type SpawnError, spawnFault } from './command.js';
import { type Launch, launchProgram } from './launch.js';

/** A program found running. */
export interface RunningProcess {
  readonly pid: number;
  /** The program's name without its folder, then its arguments as they were given. */
  readonly argv: readonly string[];
}

/** A program found running, and whose child it is. */
export interface FoundProcess extends RunningProcess {
  /** The process that started it, or whoever took it in when that ended. Null: it has ended meanwhile. */
  readonly parent: number | null;
}

/** A program that was just started. */
export interface StartedProcess {
  readonly pid: number;
  /** Resolves when it ends, with its exit status; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Programs that outlive this one: started, found again after a crash of ours, and ended. Never rejects. */
export interface ProcessTable {
  start(argv: readonly string[], signal: AbortSignal): ResultAsync<StartedProcess, SpawnError>;
  /** Those called `program` in this network namespace. */
  find(program: string, signal: AbortSignal): ResultAsync<readonly FoundProcess[], DriverError>;
  /** Ok once it has gone; also when it had gone before. Takes at most {@link END_LIMIT} twice over. */
  end(running: RunningProcess, signal: AbortSignal): ResultAsync<void, DriverError>;
}

/** How long a program may take to end after SIGTERM; then it gets SIGKILL, and as long again. */
export const END_LIMIT: Millis = 2_000;

const LOOK_AGAIN: Millis = 10;

export interface ProcessTableOptions {
  readonly launch?: Launch;
  /** A file that stands for the network namespace to look in; this process's own if left out. */
  readonly namespace?: string;
}

export function systemProcesses(options: ProcessTableOptions = {}): ProcessTable {
  const { launch = launchProgram, namespace = '/proc/self/ns/net' } = options;
  return {
    start: (argv, signal) => new ResultAsync(start(launch, argv, signal)),
    find: (program, signal) => new ResultAsync(find(program, namespace, signal)),
    end: (running, signal) => new ResultAsync(end(running, signal)),
  };
}

function start(
  launch: Launch,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<Result<StartedProcess, SpawnError>> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(err({ kind: 'aborted' }));
    try {
      const child = launch(argv, { stdio: 'ignore', ownGroup: true });
      const ended = new Promise<number | null>((gone) => child.once('exit', gone));
      child.once('error', (cause) => resolve(err(spawnFault(argv, cause))));
      child.once('spawn', () => resolve(ok({ pid: child.pid ?? 0, ended })));
      child.unref();
    } catch (cause) {
      resolve(err({ kind: 'defect', cause }));
    }
  });
}

async function find(
  program: string,
  namespace: string,
  signal: AbortSignal,
): Promise<Result<readonly FoundProcess[], DriverError>> {
  if (signal.aborted) return err({ kind: 'aborted' });
  try {
    const home = await stat(namespace);
    const found: FoundProcess[] = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
      if (signal.aborted) return err({ kind: 'aborted' });
      const argv = await argvOf(pid);
      if (argv === null || argv[0] !== program) continue;
      const theirs = await stat(`/proc/${pid}/ns/net`).catch(() => null);
      if (theirs?.ino !== home.ino || theirs.dev !== home.dev) continue;
      found.push({ pid, argv, parent: await parentOf(pid) });
    }
    return ok(found);
  } catch (cause) {
    return err({ kind: 'defect', cause });
  }
}

/** Null when there is no such process, or only its remains: a zombie has no command line. */
async function argvOf(pid: number): Promise<readonly string[] | null> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const [program = '', ...args] = line.split('\0').slice(0, -1);
  return program === '' ? null : [basename(program), ...args];
}

/** proc_pid_stat(5): after the name, which may contain anything, come its state and its parent. */
async function parentOf(pid: number): Promise<number | null> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const parent = /^ \S (\d+) /.exec(line.slice(line.lastIndexOf(')') + 1))?.[1];
  return parent === undefined ? null : Number(parent);
}

async function end(running: RunningProcess, signal: AbortSignal): Promise<Result<void, DriverError>> {
  for (const how of ['SIGTERM', 'SIGKILL'] as const) {
    // Looked at again right before: by now the number may be another program's.
    if (!(await isRunning(running))) return ok();
    try {
      process.kill(running.pid, how);
    } catch {
      // ESRCH: it ended in between. EPERM shows below, in that it stays.
    }
    for (let waited = 0; waited < END_LIMIT; waited += LOOK_AGAIN) {
      if (signal.aborted) return err({ kind: 'aborted' });
      if (!(await isRunning(running))) return ok();
      await pause(LOOK_AGAIN, undefined, { signal }).catch(() => undefined);
    }
  }
  return err({ kind: 'not_permitted', operation: `end process ${running.pid} (${running.argv[0]})` });
}

async function isRunning(running: RunningProcess): Promise<boolean> {
  const argv = await argvOf(running.pid);
  return argv !== null && argv.length === running.argv.length && argv.every((arg, i) => arg === running.argv[i]);
}
