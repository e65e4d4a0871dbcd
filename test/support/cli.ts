import { existsSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import settings from '../../packages/daemon/tsup.config.js';

const source = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let built: Promise<string> | null = null;

/**
 * The path of `cli.js`, bundled as it is shipped but from the sources of all packages, so that no
 * stale build can pass for a fresh one. Made once a process, which removes it when it ends; what
 * killed ones leave behind, the next removes.
 *
 * @example const checked = await run([process.execPath, await builtCli(), '-t', '-c', file]);
 */
export function builtCli(): Promise<string> {
  built ??= bundle();
  return built;
}

async function bundle(): Promise<string> {
  if (typeof settings === 'function' || Array.isArray(settings))
    throw new Error('the daemon has one plain tsup config');
  await sweep();
  const outDir = await mkdtemp(join(tmpdir(), `hurricane-cli-${process.pid}-`));
  process.once('exit', () => rmSync(outDir, { recursive: true, force: true }));
  await build({
    ...settings,
    config: false,
    silent: true,
    entry: {
      cli: source('packages/daemon/src/cli.ts'),
      'native-worker': source('packages/daemon/src/native-worker.ts'),
    },
    // Its `paths` lead to the sources of the other packages.
    tsconfig: source('tsconfig.json'),
    outDir,
  });
  // Tests run it as nobody, too.
  await chmod(outDir, 0o755);
  // Node takes a .js file for a module only below a package.json that says so.
  await writeFile(join(outDir, 'package.json'), '{"type":"module"}');
  // What is not bundled is found where it is installed.
  const koffi = source('packages/daemon/node_modules/koffi');
  if (existsSync(koffi)) await linked(koffi, join(outDir, 'node_modules'));
  return join(outDir, 'cli.js');
}

async function linked(folder: string, into: string): Promise<void> {
  await mkdir(into);
  await symlink(await realpath(folder), join(into, basename(folder)));
}

async function sweep(): Promise<void> {
  const names = await readdir(tmpdir());
  const orphans = names.filter((name) => {
    const maker = /^hurricane-cli-(\d+)-/.exec(name)?.[1];
    return maker !== undefined && !isAlive(Number(maker));
  });
  await Promise.all(orphans.map((name) => rm(join(tmpdir(), name), { recursive: true, force: true })));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
