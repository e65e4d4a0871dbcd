import { defineConfig } from 'tsup';

// Declarations come from the native compiler (see the build script): tsup's own take seconds a package.
export default defineConfig({ entry: {'index': 'src/index.ts'}, format: 'esm', target: 'node20', clean: true, dts: false, outDir: 'dist', splitting: true });
