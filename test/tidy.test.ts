import { describe, expect, it } from 'vitest';
import { textFiles } from './support/sources.js';
import { deadIn, RULES, untidyIn } from './support/tidiness.js';

const files = textFiles();

describe('the repository', () => {
  it.each(RULES)('has nowhere $name', (rule) => {
    expect(untidyIn(files, rule)).toEqual([]);
  });

  it('has no file that nothing leads to', () => {
    expect(deadIn(files)).toEqual([]);
  });
});

// Written in two pieces, so that this file keeps the rules it tests.
const AT_FAULT: readonly (readonly [rule: number, path: string, text: string])[] = [
  [0, 'packages/core/src/a.ts', 'x\n'.repeat(301)],
  [1, 'packages/core/src/a.ts', 'x'.repeat(121)],
  [2, 'packages/core/src/a.ts', 'const x: an' + 'y = 1;'],
  [2, 'packages/core/src/a.ts', 'const x = 1 as an' + 'y;'],
  [2, 'packages/core/src/a.ts', 'const x: Map<string, an' + 'y[]> = y;'],
  [2, 'packages/core/src/a.ts', '// @ts-' + 'ignore'],
  [2, 'packages/core/src/a.ts', '// biome-' + 'ignore lint/a/b'],
  [3, 'packages/core/src/a.ts', '// TO' + 'DO: later'],
  [4, 'packages/core/src/a.ts', 'export def' + 'ault 1;'],
  [5, 'packages/core/src/a.ts', '/** It no ' + 'longer waits. */'],
  [5, 'packages/core/src/a.ts', 'const x = 1; // This us' + 'ed to be 2.'],
  [5, 'lab/a.sh', '# now ' + 'we wait'],
  [6, 'docs/a.md', 'see /wo' + 'rk/main'],
  [6, 'packages/core/src/a.ts', "const x = '/ho" + "me/me/x';"],
  [7, 'pnpm-lock.yaml', 'https://registry' + '.npmjs.org/x'],
  [7, 'pnpm-lock.yaml', '    tarball' + ': x'],
  [8, 'packages/backends/src/a.ts', 'exec(`ip link del $' + '{name}`);'],
  [8, 'packages/backends/src/a.ts', "import { exec } from 'node:child_process';"],
  [8, 'packages/backends/src/a.ts', "spawn('x', { shell: true });"],
  [8, 'packages/backends/src/a.ts', "spawn('sh', ['-c', text]);"],
  [9, 'packages/relay/src/a.ts', 'const over = AbortSignal.any([stop, AbortSignal.' + 'timeout(3)]);'],
];

const ALLOWED: readonly (readonly [rule: number, path: string, text: string])[] = [
  [0, 'packages/core/src/a.ts', 'x\n'.repeat(300)],
  [0, 'packages/core/src/a.test.ts', 'x\n'.repeat(301)],
  [1, 'packages/core/src/a.ts', 'x'.repeat(120)],
  [1, 'packages/core/src/a.ts', `// https://example.org/${'x'.repeat(120)}`],
  [1, 'packages/core/src/a.ts', `  const text = '${'x'.repeat(120)}';`],
  [2, 'packages/core/src/a.ts', 'const company: string = many; AbortSignal.any([a]); // as any reader sees'],
  [2, 'packages/core/src/a.ts', '// biome-' + 'ignore lint/a/b: the reason'],
  [3, 'packages/core/src/a.ts', '// TO' + 'DO(#12): later'],
  [5, 'packages/core/src/a.ts', '/** Is used to tell them apart. */'],
  [5, 'packages/core/src/a.ts', "const text = 'it no " + "longer answers';"],
  [6, 'packages/core/src/a.ts', "const x = './wo" + "rk/x'; // http://x/home" + '/y'],
  [8, 'packages/backends/src/a.ts', 'const found = /x/.exec(line); execFile(path, argv);'],
  [8, 'packages/backends/src/a.ts', "import { execFile } from 'node:child_process';"],
  [8, 'packages/backends/src/a.test.ts', 'exec(text);'],
];

describe('the check itself', () => {
  it.each(AT_FAULT)('finds by rule %i, in %s: %s', (rule, path, text) => {
    expect(findings(rule, path, text)).toHaveLength(1);
  });

  it.each(ALLOWED)('allows by rule %i, in %s: %s', (rule, path, text) => {
    expect(findings(rule, path, text)).toEqual([]);
  });

  it('names file, line and remedy', () => {
    expect(findings(1, 'packages/core/src/a.ts', `x\n${'x'.repeat(121)}`)).toEqual([
      'packages/core/src/a.ts:2 has a line of more than 120 characters: break it.',
    ]);
  });

  it('finds a file that only a test leads to, and leaves entries and test support alone', () => {
    const path = (name: string): string => `packages/x/src/${name}.ts`;

    const dead = deadIn([
      { path: 'packages/x/tsup.config.ts', text: "entry: { index: 'src/index.ts' }" },
      { path: path('index'), text: "export { a } from './used.js';" },
      { path: path('used'), text: 'export const a = 1;' },
      { path: path('forgotten'), text: 'export const b = 1;' },
      { path: path('forgotten.test'), text: "import './forgotten.js';\nimport './some.test-support.js';" },
      { path: path('some.test-support'), text: '' },
    ]);

    expect(dead).toEqual([
      'packages/x/src/forgotten.ts:1 is reached from no entry of its package: use it or remove it.',
    ]);
  });
});

function findings(rule: number, path: string, text: string): readonly string[] {
  const chosen = RULES[rule];
  if (chosen === undefined) throw new Error(`there is no rule ${rule}`);
  return untidyIn([{ path, text }], chosen);
}
