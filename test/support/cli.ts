import { rmSync } from 'node:fs';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import settings from '../../packages/daemon/tsup.config.js';

const source = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let built: Promise<string> | null = null;

/**
 * The path of `cli.js`, bundled as it is shipped but from the sources of all packages, so that no
 * stale build can pass for a fresh one. Made once a process, which removes it when it ends.
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
  const outDir = await mkdtemp(join(tmpdir(), 'hurricane-cli-'));
  process.once('exit', () => rmSync(outDir, { recursive: true, force: true }));
  await build({
    ...settings,
    config: false,
    silent: true,
    entry: { cli: source('packages/daemon/src/cli.ts') },
    // Its `paths` lead to the sources of the other packages.
    tsconfig: source('tsconfig.json'),
    outDir,
  });
  // Tests run it as nobody, too.
  await chmod(outDir, 0o755);
  // Node takes a .js file for a module only below a package.json that says so.
  await writeFile(join(outDir, 'package.json'), '{"type":"module"}');
  return join(outDir, 'cli.js');
}
