import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Millis } from '@hurricane/core';
import { err, type Result } from 'neverthrow';
import { command, kill, MARK } from './command.js';
import { folderIds, isAlive, removeFolder } from './folders.js';
import type { PlaygroundError } from './problems.js';
import { playgroundOf } from './topology.js';

/** Killed processes are gone within milliseconds; a machine under load may take longer to say so. */
const KILL_LIMIT: Millis = 5_000;
const LOOK_AGAIN: Millis = 20;

/**
 * Removes all of a playground: its processes, its namespaces with all that is in them, its folder.
 *
 * Safe to repeat, and safe to run twice at once. Errs with `left_behind` when something resists.
 */
export async function removePlayground(id: string): Promise<Result<void, PlaygroundError>> {
  const survivors = await killAll(id);
  const namespaces = await removeNamespaces(id);
  const folder = await removeFolder(id);
  const left = [...survivors.map((pid) => `process ${pid}`), ...namespaces.map((name) => `namespace ${name}`)];
  return left.length > 0 ? err({ kind: 'left_behind', what: left }) : folder;
}

/** Removes what playgrounds have left behind whose process has gone. */
export async function sweepPlaygrounds(): Promise<void> {
  const ids = new Set([
    ...(await folderIds()),
    ...(await listNamespaces()).flatMap((name) => playgroundOf(name) ?? []),
  ]);
  for (const id of ids) if (!(await isAlive(id))) await removePlayground(id);
}

/** Resolves to the processes that did not go. */
async function killAll(id: string): Promise<readonly number[]> {
  const end = performance.now() + KILL_LIMIT;
  for (;;) {
    const pids = [...(await markedProcesses(id)), ...(await processesInside(id))];
    if (pids.length === 0 || performance.now() > end) return [...new Set(pids)];
    for (const pid of pids) kill(pid);
    await pause(LOOK_AGAIN);
  }
}

/**
 * Processes that the playground started, by the mark in their environment: one that is on its way
 * into a namespace does not count as inside yet.
 */
async function markedProcesses(id: string): Promise<readonly number[]> {
  const mark = `${MARK}=${id}`;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      // Empty for kernel threads and zombies; not readable for other users' processes, which are not ours either.
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return pid !== process.pid && environment.split('\0').includes(mark);
    }),
  );
  return pids.filter((_, index) => marked[index]);
}

/** Also what people started in there themselves: it would keep the namespace alive without a name. */
async function processesInside(id: string): Promise<readonly number[]> {
  const names = (await listNamespaces()).filter((name) => playgroundOf(name) === id);
  const lists = await Promise.all(names.map((name) => command(['ip', 'netns', 'pids', name]).unwrapOr('')));
  return lists.flatMap((list) =>
    list
      .split('\n')
      .filter((line) => line !== '')
      .map(Number),
  );
}

/** Resolves to the namespaces that are still there. */
async function removeNamespaces(id: string): Promise<readonly string[]> {
  const ours = async (): Promise<readonly string[]> =>
    (await listNamespaces()).filter((name) => playgroundOf(name) === id);
  for (const name of await ours()) await command(['ip', 'netns', 'del', name]).unwrapOr('');
  return ours();
}

/** Only root can have any. Empty where there are none to be had: no `ip`, or no Linux. */
async function listNamespaces(): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const names = await readdir('/var/run/netns').catch((): string[] => []);
  return names.filter((name) => playgroundOf(name) !== null);
}
