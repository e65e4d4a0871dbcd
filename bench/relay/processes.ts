import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';

/** Ticks of /proc/PID/stat: a hundred a second (sysconf(3), _SC_CLK_TCK). */
const TICK_MS = 10;

const LISTENING_LIMIT_MS = 10_000;

/** Whatever comes of the bench, nothing of it stays. */
const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill();
});

/** Starts a program on one processor, and waits until it listens. */
export async function listening(
  cpu: number,
  argv: readonly string[],
  host: string,
  port: number,
): Promise<ChildProcess> {
  const child = spawn('taskset', ['-c', `${cpu}`, ...argv], { stdio: 'ignore' });
  const until = performance.now() + LISTENING_LIMIT_MS;
  living.add(child);
  while (!(await answers(host, port))) {
    if (performance.now() > until || child.exitCode !== null) throw new Error(`${argv.join(' ')} does not listen`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return child;
}

export async function ended(child: ChildProcess): Promise<void> {
  const gone = child.exitCode === null ? once(child, 'exit') : Promise.resolve();
  child.kill();
  await gone;
  living.delete(child);
}

/** Processor time of a process and all its children, also of those that have ended, in milliseconds. */
export function cpuOf(pid: number): number {
  const own = statOf(pid);
  const living = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statOf(Number(name))?.parent === pid)
    .reduce((sum, name) => sum + cpuOf(Number(name)), 0);
  return (own?.cpu ?? 0) + living;
}

function statOf(pid: number): { readonly parent: number; readonly cpu: number } | null {
  try {
    // Fields 4 and 14 to 17 of proc(5), counted behind the name in brackets.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
    return { parent: Number(fields[1]), cpu: ticks * TICK_MS };
  } catch {
    return null;
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
