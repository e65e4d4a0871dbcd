import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';

/** Starts a program: the one place where this package makes child processes. */
export type Launch = (argv: readonly string[], options: LaunchOptions) => ChildProcess;

export interface LaunchOptions {
  readonly stdio: StdioOptions;
  /** In a process group of its own: a signal can reach all of it, and the terminal's Ctrl-C does not. */
  readonly ownGroup: boolean;
}

/** Never through a shell; messages in English, because they are read by machine. */
export const launchProgram: Launch = ([program = '', ...args], { stdio, ownGroup }) =>
  spawn(program, args, { stdio, detached: ownGroup, shell: false, env: { ...process.env, LC_ALL: 'C' } });

/** Ends a program started with `ownGroup`, and whatever it started. Already gone is fine. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended by itself.
  }
}

const isSpawnFault = (cause: unknown): cause is NodeJS.ErrnoException => cause instanceof Error && 'code' in cause;

/** `ENOENT` and the like; null for anything that is not an errno. */
export const errnoOf = (cause: unknown): string | null => (isSpawnFault(cause) ? (cause.code ?? null) : null);
