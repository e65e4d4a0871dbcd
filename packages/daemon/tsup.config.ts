import { defineConfig } from 'tsup';

// One file to install: everything the daemon runs on is bundled in, so `npx @hurricane/daemon` fetches one package.
export default defineConfig({
  entry: { cli: 'src/cli.ts' },
  format: 'esm',
  target: 'node20',
  clean: true,
  dts: false,
  splitting: true,
  noExternal: [/.*/],
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
