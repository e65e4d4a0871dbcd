import { existsSync } from 'node:fs';
import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

export interface Bundle {
  readonly file: string;
  /** Whether koffi is installed, which the native engine needs. */
  readonly hasNative: boolean;
}

/** A program of the bench in one file, with the native engine's thread beside it, as the gateway is built. */
export async function bundled(folder: string, program: URL): Promise<Bundle> {
  const koffi = fileURLToPath(new URL('../../packages/relay/node_modules/koffi', import.meta.url));
  const hasNative = existsSync(koffi);
  await build({
    config: false,
    silent: true,
    entry: {
      relay: fileURLToPath(program),
      'native-worker': fileURLToPath(new URL('../../packages/relay/src/native-worker.ts', import.meta.url)),
    },
    format: 'esm',
    target: 'node20',
    noExternal: [/^(?!koffi$)/],
    external: ['koffi'],
    tsconfig: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)),
    outDir: folder,
  });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  if (hasNative) {
    await mkdir(join(folder, 'node_modules'));
    await symlink(await realpath(koffi), join(folder, 'node_modules/koffi'));
  }
  return { file: join(folder, 'relay.js'), hasNative };
}
