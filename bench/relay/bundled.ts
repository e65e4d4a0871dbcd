import { existsSync } from 'node:fs';
import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const KOFFI = fileURLToPath(new URL('../../packages/relay/node_modules/koffi', import.meta.url));

/** Whether the native engine can be had. */
export const HAS_NATIVE: boolean = existsSync(KOFFI);

/** Builds what stands for us, with all that it needs, and answers with what to start. */
export async function bundled(outDir: string): Promise<string> {
  await build({
    config: false,
    silent: true,
    entry: {
      relay: fileURLToPath(new URL('./relay.ts', import.meta.url)),
      'native-worker': fileURLToPath(new URL('../../packages/relay/src/native-worker.ts', import.meta.url)),
    },
    format: 'esm',
    target: 'node20',
    noExternal: [/^(?!koffi$)/],
    external: ['koffi'],
    tsconfig: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)),
    outDir,
  });
  await writeFile(join(outDir, 'package.json'), '{"type":"module"}');
  if (HAS_NATIVE) {
    await mkdir(join(outDir, 'node_modules'));
    await symlink(await realpath(KOFFI), join(outDir, 'node_modules/koffi'));
  }
  return join(outDir, 'relay.js');
}
