import { chmod, lstat, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { err, ok, type Result, type ResultAsync, safeTry } from 'neverthrow';
import { attempt, type PlaygroundError } from './problems.js';

/** The folder of one playground: sockets, its configuration, and whose it is. Only its user can look in. */
export interface Folder {
  readonly id: string;
  readonly path: string;
  /** Where `cut`, `restore` and `status` of other processes arrive. */
  readonly control: string;
  /** Where the REST API of the process in the namespace is met. */
  readonly api: string;
  readonly configuration: string;
  readonly state: string;
  readonly owner: string;
}

/** Root's playgrounds are in /run; everybody else's where temporary files go. */
export function baseFolder(): string {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 && process.platform === 'linux'
    ? '/run/hurricane-playground'
    : join(tmpdir(), `hurricane-playground-${uid}`);
}

export function folderOf(id: string): Folder {
  const path = join(baseFolder(), id);
  return {
    id,
    path,
    control: join(path, 'control.sock'),
    api: join(path, 'api.sock'),
    configuration: join(path, 'v6-gatewayd.conf'),
    state: join(path, 'state'),
    owner: join(path, 'owner'),
  };
}

/** Makes the folder of this process's own playground. */
export function makeFolder(id: string): ResultAsync<Folder, PlaygroundError> {
  const folder = folderOf(id);
  const base = baseFolder();
  return safeTry(async function* () {
    yield* attempt(`make ${base}`, () => mkdir(base, { recursive: true, mode: 0o700 }));
    yield* await checkPrivate(base);
    yield* attempt(`make ${folder.path}`, () => mkdir(folder.path, { mode: 0o700 }));
    yield* attempt(`make ${folder.state}`, () => mkdir(folder.state, { mode: 0o700 }));
    const birth = (await birthOf(Number(id))) ?? '';
    yield* attempt(`write ${folder.owner}`, () => writeFile(folder.owner, birth, { mode: 0o600 }));
    return ok(folder);
  });
}

/** In a place that all users share, somebody else may have been there first. */
async function checkPrivate(path: string): Promise<Result<void, PlaygroundError>> {
  const seen = await attempt(`look at ${path}`, () => lstat(path));
  if (seen.isErr()) return err(seen.error);
  const { uid, mode } = seen.value;
  const isOurs = seen.value.isDirectory() && uid === (process.getuid?.() ?? uid);
  if (!isOurs) return err({ kind: 'unsafe_folder', path });
  if ((mode & 0o077) === 0) return ok(undefined);
  return attempt(`close ${path} to others`, () => chmod(path, 0o700));
}

/** Ids of all playgrounds of this user that have a folder, running or not. */
export async function folderIds(): Promise<readonly string[]> {
  const names = await readdir(baseFolder()).catch((): string[] => []);
  return names.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b));
}

/** The base goes with the last playground in it. */
export async function removeFolder(id: string): Promise<Result<void, PlaygroundError>> {
  const { path } = folderOf(id);
  const removed = await attempt(`remove ${path}`, () => rm(path, { recursive: true, force: true }));
  await rmdir(baseFolder()).catch(() => undefined);
  return removed;
}

/** Whether the process that made this playground lives. A later process of the same number is another. */
export async function isAlive(id: string): Promise<boolean> {
  const birth = await birthOf(Number(id));
  if (birth === null) return false;
  const noted = await readFile(folderOf(id).owner, 'utf8').catch(() => null);
  return noted === null || noted === birth;
}

/** What tells a process from all others that had its number; null when there is none. */
async function birthOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return process.platform === 'linux' ? null : answersSignals(pid);
  // proc_pid_stat(5): the name, field 2, may contain anything; the state is field 3 and the start time field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? null : (fields[19] ?? null);
}

function answersSignals(pid: number): string | null {
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch {
    return null;
  }
}
