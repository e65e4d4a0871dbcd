import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { memoryOf, tied } from './processes.js';

export interface IdleCost {
  /** Kilobytes (of 1,000 B) that one connection adds. */
  readonly each: number;
  /** Megabytes before the first. */
  readonly base: number;
}

/** A relay takes what came a moment ago a moment later. */
const SETTLED_MS = 1_000;

/** What `count` connections through a relay that say nothing add to its memory. */
export async function idleCost(pid: number, load: readonly string[], port: number, count: number): Promise<IdleCost> {
  const before = memoryOf(pid);
  const [program = '', ...argv] = load;
  const words = [...argv, 'idle', '::1', `${port}`, `${count}`];
  const holder = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  tied(holder);
  const [said] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
  if (typeof said === 'number') throw new Error(`${count} connections could not be held`);
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  const after = memoryOf(pid);
  await gone(holder);
  return { each: (after - before) / 1_000 / count, base: before / 1e6 };
}

async function gone(child: ChildProcess): Promise<void> {
  const over = once(child, 'exit');
  child.kill();
  await over;
}
