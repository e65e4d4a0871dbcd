import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Tests run against the sources, so that a stale build can never pass for a fresh one. */
const alias = [
  { find: /^@hurricane\/(core|backends)\/testing$/, replacement: source('./packages/$1/src/testing/index.ts') },
  { find: /^@hurricane\/http\/(node|client)$/, replacement: source('./packages/http/src/$1.ts') },
  { find: /^@hurricane\/mcp\/(node|sdk-v1)$/, replacement: source('./packages/mcp/src/$1.ts') },
  { find: '@hurricane/mcp/schemas', replacement: source('./packages/mcp/src/schemas/index.ts') },
  { find: '@hurricane/http/schemas', replacement: source('./packages/http/src/schemas/index.ts') },
  { find: /^@hurricane\/(core|backends|http|mcp|relay)$/, replacement: source('./packages/$1/src/index.ts') },
];

export default defineConfig({
  resolve: { alias },
  test: {
    reporters: ['default', source('./test/support/closing-line.ts')],
    projects: [
      {
        resolve: { alias },
        test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'test/*.test.ts'], testTimeout: 30_000 },
      },
      {
        // Real namespaces and packets: one file at a time, so that one test's load is not another's delay.
        resolve: { alias },
        test: {
          name: 'host',
          include: ['test/host/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
