import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Ticks of /proc/PID/stat: a hundred a second (sysconf(3), _SC_CLK_TCK). */
const TICK_MS = 10;

const LISTENING_LIMIT_MS = 10_000;

/** Whatever comes of the bench, nothing of it stays. */
const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill();
});
// Numbers of signal(7): what a shell expects of a program that a signal has ended.
process.once('SIGHUP', () => process.exit(128 + 1));
process.once('SIGINT', () => process.exit(128 + 2));
process.once('SIGTERM', () => process.exit(128 + 15));

/** Ends with the bench, if not before. */
export function tied(child: ChildProcess): void {
  living.add(child);
  child.once('exit', () => living.delete(child));
}

/** A folder that goes with the bench. */
export function folderFor(bench: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${bench}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a program on one processor, and waits until it listens. `isThere`: for what nobody can connect to. */
export async function listening(
  cpu: number,
  argv: readonly string[],
  host: string,
  port: number,
  isThere: (host: string, port: number) => Promise<boolean> = answers,
): Promise<ChildProcess> {
  const child = spawn('taskset', ['-c', `${cpu}`, ...argv], { stdio: 'ignore' });
  const until = performance.now() + LISTENING_LIMIT_MS;
  tied(child);
  while (!(await isThere(host, port))) {
    if (performance.now() > until || child.exitCode !== null) throw new Error(`${argv.join(' ')} does not listen`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return child;
}

/** With its children, which would keep the port. */
export async function ended(child: ChildProcess): Promise<void> {
  const children = childrenOf(child.pid ?? 0);
  const gone = child.exitCode === null ? once(child, 'exit') : Promise.resolve();
  child.kill();
  await gone;
  for (const pid of children) if (statOf(pid) !== null) process.kill(pid);
}

/**
 * Processor time of a relay that has that processor to itself, in milliseconds: of its process, all its children, also
 * of those that have ended, and the kernel's thread that finishes there what sending has begun (ksoftirqd).
 */
export function costOf({ pid }: ChildProcess, cpu: number): number {
  const thread = pids()
    .map(statOf)
    .find((stat) => stat?.name === `ksoftirqd/${cpu}`);
  // A container does not see it.
  return cpuOf(pid ?? 0) + (thread?.cpu ?? 0);
}

function cpuOf(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + cpuOf(child), statOf(pid)?.cpu ?? 0);
}

/** Memory of a process and all its children, in bytes: proportional set size (proc_pid_smaps(5)). */
export function memoryOf(pid: number): number {
  const own = Number(/^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1_024;
  return childrenOf(pid).reduce((sum, child) => sum + memoryOf(child), own);
}

/** Whether a socket for datagrams of IPv6 is bound to that port (proc_net(5)). */
export async function isBound(_host: string, port: number): Promise<boolean> {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  return readFileSync('/proc/net/udp6', 'utf8').includes(end);
}

function childrenOf(pid: number): readonly number[] {
  return pids().filter((other) => statOf(other)?.parent === pid);
}

function pids(): readonly number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

interface Stat {
  readonly name: string;
  readonly parent: number;
  readonly cpu: number;
}

function statOf(pid: number): Stat | null {
  try {
    // Fields 4 and 14 to 17 of proc(5), counted behind the name in brackets.
    const [head = '', ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const fields = rest.at(-1)?.split(' ') ?? [];
    const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
    return { name: head.slice(head.indexOf('(') + 1), parent: Number(fields[1]), cpu: ticks * TICK_MS };
  } catch {
    return null;
  }
}

/** Whether a TCP connection can be made. */
export function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
