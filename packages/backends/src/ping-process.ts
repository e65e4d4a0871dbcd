import { spawn } from 'node:child_process';
import type { PingEnd } from './ping-failure.js';

/** What a running ping tells. Whatever it wrote to its output before it complained is told before that. */
export interface PingListener {
  stdout(chunk: string): void;
  stderr(chunk: string): void;
  /** Once, after everything it wrote has been told. */
  ended(end: PingEnd): void;
}

/** A running ping. */
export interface PingProcess {
  /** Ends it at once (SIGKILL); `ended` follows. */
  kill(): void;
}

/** Starts `argv`; never throws. `listener` is first called after it has returned. */
export type SpawnPing = (argv: readonly string[], listener: PingListener) => PingProcess;

/**
 * Starts a child process without a shell, in the C locale.
 *
 * It cannot outlive us by more than one line: ping writes one for every probe (`-O`), and writing to
 * a pipe nobody reads ends it (SIGPIPE).
 */
export const spawnPing: SpawnPing = (argv, listener) => {
  let over = false;
  const end = (how: PingEnd): void => {
    if (over) return;
    over = true;
    listener.ended(how);
  };
  const [command = '', ...args] = argv;
  try {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => listener.stdout(chunk));
    // ping flushes its output before it complains (error(3)), and both pipes are read before immediates run.
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => setImmediate(() => listener.stderr(chunk)));
    child.on('error', (error: NodeJS.ErrnoException) => {
      // Also emitted when a signal cannot be delivered, which ends nothing.
      if (child.pid === undefined) end({ kind: 'not_started', code: error.code ?? error.message });
    });
    child.on('close', (exitCode) => end({ kind: 'exited', exitCode }));
    return {
      kill: () => {
        child.kill('SIGKILL');
        child.stdout.destroy();
        child.stderr.destroy();
      },
    };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    queueMicrotask(() => end({ kind: 'not_started', code }));
    return { kill: () => {} };
  }
};
