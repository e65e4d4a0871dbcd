import { describe, expect, it } from 'vitest';
import { BOUNDARIES, crossingsIn, reachableFrom } from './support/boundaries.js';
import { importsOf } from './support/imports.js';
import { membersOf, undeclaredIn, unusedIn } from './support/manifests.js';
import { codeFiles } from './support/sources.js';

const files = codeFiles();
const members = membersOf(files);
const [root] = members;
if (root === undefined) throw new Error('the workspace has no root');

describe('who imports whom', () => {
  it.each(BOUNDARIES)('$place keeps to its side, because $why', ({ files: inside }) => {
    const place = files.filter(({ path }) => inside.test(path));

    expect(place.flatMap(crossingsIn)).toEqual([]);
  });

  it.each(['core', 'http'])('loads no part of Node with the main entry of %s', (name) => {
    const loaded = reachableFrom([`packages/${name}/src/index.ts`], files);

    expect(loaded).not.toEqual([]);
    expect(loaded.flatMap(importsOf).filter(({ specifier }) => specifier.startsWith('node:'))).toEqual([]);
  });

  it('leaves no package without a boundary', () => {
    const sources = files.filter(({ path }) => /^packages\/[^/]+\/src\//.test(path));

    expect(sources.filter(({ path }) => !BOUNDARIES.some(({ files: inside }) => inside.test(path)))).toEqual([]);
  });
});

describe('what packages declare', () => {
  it.each(members)('$manifest.name declares every package that it imports', (member) => {
    expect(undeclaredIn(member, root)).toEqual([]);
  });

  it.each(members)('$manifest.name uses every package that it declares', (member) => {
    expect(unusedIn(member, members)).toEqual([]);
  });
});

describe('the check itself', () => {
  it.each([
    ['packages/core/src/a.ts', "import { readFileSync } from 'node:fs';"],
    ['packages/core/src/a.ts', "import {\n  type A,\n  b,\n} from\n  'node:fs';"],
    ['packages/core/src/a.ts', "export * from '@hurricane/backends';"],
    ['packages/core/src/a.ts', "import 'hono';"],
    ['packages/core/src/a.ts', "const fs = await import('node:fs');"],
    ['packages/core/src/a.ts', "const fs = require('node:fs');"],
    ['packages/core/src/a.ts', "import { x } from '../../backends/src/x.js';"],
    ['packages/core/src/a.ts', "import { x } from './testing/prng.js';"],
    ['packages/core/src/a.ts', "import { x } from './b.test-support.js';"],
    ['packages/core/src/a.ts', "import { x } from './b';"],
    ['packages/core/src/testing/a.ts', "import { x } from 'node:fs';"],
    ['packages/backends/src/a.ts', "import { createServer } from 'node:http';"],
    ['packages/backends/src/a.ts', "import { VirtualClock } from '@hurricane/core/testing';"],
    ['packages/backends/src/a.ts', "import { createApp } from '@hurricane/http';"],
    ['packages/http/src/a.ts', "import { serve } from '@hono/node-server';"],
    ['packages/http/src/a.ts', "import { linuxHost } from '@hurricane/backends';"],
    ['packages/mcp/src/a.ts', "import { spawn } from 'node:child_process';"],
    ['packages/relay/src/a.ts', "import { createApp } from '@hurricane/http';"],
  ])('catches in %s: %s', (path, text) => {
    expect(crossingsIn({ path, text })).toHaveLength(1);
  });

  it.each([
    ['packages/core/src/a.ts', "import { ok } from 'neverthrow';\nimport ipaddr from 'ipaddr.js';"],
    ['packages/core/src/a.test.ts', "import { readFileSync } from 'node:fs';"],
    ['packages/core/src/a.ts', "// Not from 'node:fs'.\nconst text = 'import';"],
    ['packages/core/src/testing/a.ts', "import { it } from 'vitest';\nimport { step } from '../step.js';"],
    ['packages/http/src/node.ts', "import { serve } from '@hono/node-server';\nimport { cors } from 'hono/cors';"],
    ['packages/daemon/src/a.ts', "import manifest from '../package.json' with { type: 'json' };"],
    ['packages/daemon/src/cli.ts', "import { linuxHost } from '@hurricane/backends';"],
  ])('allows in %s: %s', (path, text) => {
    expect(crossingsIn({ path, text })).toEqual([]);
  });

  it('says file, line, reason and remedy', () => {
    const text = "import { ok } from 'neverthrow';\nimport { readFileSync } from 'node:fs';\n";

    const [sentence] = crossingsIn({ path: 'packages/core/src/a.ts', text });

    expect(sentence).toMatch(/^packages\/core\/src\/a\.ts:2 imports node:fs: core must not, because .+\. Pass .+\.$/);
  });

  it('misses neither an undeclared import nor a declared package that is not used', () => {
    const manifest = { name: 'x', dependencies: { neverthrow: '1' }, devDependencies: { hono: '1' } };
    const text = "import { Hono } from 'hono';\nimport { match } from 'ts-pattern';";
    const member = { folder: 'packages/x/', manifest, files: [{ path: 'packages/x/src/a.ts', text }] };

    expect(undeclaredIn(member, root)).toEqual([
      'packages/x/src/a.ts:1 imports hono: add it to the dependencies in packages/x/package.json.',
      'packages/x/src/a.ts:2 imports ts-pattern: add it to the dependencies in packages/x/package.json.',
    ]);
    expect(unusedIn(member, [member])).toEqual([
      'packages/x/package.json declares neverthrow and nothing uses it: remove it.',
    ]);
  });
});
