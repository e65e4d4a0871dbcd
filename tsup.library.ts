import { defineConfig } from 'tsup';

/**
 * How every library of the workspace is built. Declarations come from the compiler itself, which is seconds faster.
 *
 * @param optional packages that it works without, and that are not to be bundled either.
 */
export function library(entry: Record<string, string>, optional: string[] = []): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    external: optional,
    format: 'esm',
    target: 'node20',
    clean: true,
    dts: false,
    outDir: 'dist',
    splitting: true,
  });
}
