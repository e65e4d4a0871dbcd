import { defineConfig } from 'tsup';

// One package to install: everything the daemon runs on is bundled in, so `npx @hurricane/daemon` fetches one package.
export default defineConfig({
  entry: { cli: 'src/cli.ts', 'native-worker': 'src/native-worker.ts' },
  format: 'esm',
  target: 'node20',
  clean: true,
  dts: false,
  splitting: true,
  // koffi is a binary for each machine, and the gateway works without it.
  noExternal: [/^(?!koffi$)/],
  external: ['koffi'],
  // The example goes along, so that the way on from "there is no configuration" is there wherever this is installed.
  publicDir: '../../config',
  banner: {
    js: [
      '#!/usr/bin/env node',
      "import { createRequire as __createRequire } from 'node:module';",
      'const require = __createRequire(import.meta.url);',
    ].join('\n'),
  },
});
