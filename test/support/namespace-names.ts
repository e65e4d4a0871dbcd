import { spawnSync } from 'node:child_process';
import { mustRun } from './command.js';
import { kill, Namespace } from './namespace.js';

/** Names carry the process that made them, so that what a killed one leaves behind can be told from what is in use. */
const OURS = /^hurr(\d+)x\d+-/;

const standing = new Set<Namespace>();
let bedsMade = 0;
let exitHooked = false;

/** Makes one namespace for each role, with names no other test bed on this machine has, and removes them on exit. */
export async function addNamespaces(roles: readonly string[]): Promise<readonly Namespace[]> {
  if (!exitHooked) process.once('exit', removeAllNow);
  exitHooked = true;
  bedsMade += 1;
  const made = roles.map((role) => new Namespace(`hurr${process.pid}x${bedsMade}-${role}`));
  for (const namespace of made) standing.add(namespace);
  const lines = made.map(({ name }) => `netns add ${name}\n`);
  await mustRun(['ip', '-batch', '-'], { input: lines.join('') });
  return made;
}

/** Ends all that runs in these namespaces and removes them; all of them, even when one resists. */
export async function removeNamespaces(namespaces: readonly Namespace[]): Promise<void> {
  const results = await Promise.allSettled(namespaces.map((namespace) => namespace.remove()));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  for (const namespace of namespaces) standing.delete(namespace);
}

/** Removes what dead processes have left behind. */
export async function sweepNamespaces(): Promise<void> {
  const listed = await mustRun(['ip', 'netns', 'list']);
  const names = listed.split('\n').map((line) => line.split(' ')[0] ?? '');
  const orphaned = names.filter((name) => {
    const maker = OURS.exec(name)?.[1];
    return maker !== undefined && !isAlive(Number(maker));
  });
  await removeNamespaces(orphaned.map((name) => new Namespace(name)));
}

/** The last resort of a test that did not come to its `destroy`. Node waits for nothing at this point. */
function removeAllNow(): void {
  for (const namespace of standing) {
    const { name } = namespace;
    namespace.killPrograms();
    const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout;
    for (const pid of pids.split('\n')) if (pid !== '') kill(Number(pid));
    spawnSync('ip', ['netns', 'del', name]);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
