import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Millis } from '@hurricane/core';
import { MARK } from './command.js';
import { removePlayground } from './removal.js';

/** How long the guardian may take to notice that nothing is left to do. */
const DISMISS_LIMIT: Millis = 3_000;

/** A process that outlives this one and removes the playground when this one is gone, however it went. */
export interface Guardian {
  /** Lets it go, once everything has been removed. */
  dismiss(): Promise<void>;
}

/**
 * Posts a guardian over playground `id`. It holds the other end of a pipe that closes with this
 * process: the kernel closes it after `kill -9`, too.
 *
 * @param self the command line that runs this program.
 */
export function postGuardian(id: string, self: readonly string[]): Guardian {
  const env = { ...process.env };
  // Without the mark: it must not find itself among the processes to end.
  delete env[MARK];
  const child = spawn(self[0] ?? '', [...self.slice(1), 'playground', '--reap', id], {
    // A session of its own, so that neither Ctrl-C nor a closed terminal reaches it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env,
  });
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.unref();
  return { dismiss: () => dismiss(child) };
}

async function dismiss(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), DISMISS_LIMIT);
  const gone = once(child, 'exit');
  child.ref();
  child.stdin?.destroy();
  await gone;
  clearTimeout(timer);
}

/** The guardian's own work: waits until its standard input ends, then removes playground `id`. */
export async function guard(id: string, stdin: NodeJS.ReadableStream): Promise<number> {
  // Ends with the pipe, and with nothing less.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  stdin.resume();
  await once(stdin, 'end').catch(() => undefined);
  return (await removePlayground(id)).isOk() ? 0 : 1;
}
