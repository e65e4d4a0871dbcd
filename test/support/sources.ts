import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SourceFile {
  /** From the top of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** The top of the repository. */
export const TOP: string = fileURLToPath(new URL('../../', import.meta.url));

/** Made by tools, or not text of ours. */
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['node_modules', 'dist', '.git', '.turbo', 'coverage', 'results']);

const TEXT = /(\.(ts|mts|mjs|js|json|yaml|yml|md|sh|c|service|example|conf|txt|html|css)|\/run)$/;

/** Every text file of the repository, in order of path. */
export function textFiles(): readonly SourceFile[] {
  return [...pathsBelow(TOP)]
    .map((full) => ({ full, path: relative(TOP, full).split(sep).join('/') }))
    .filter(({ path }) => TEXT.test(`/${path}`) || /^lab\/guest\//.test(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ full, path }) => ({ path, text: readFileSync(full, 'utf8') }));
}

/** The TypeScript and JavaScript among them. */
export const codeFiles = (): readonly SourceFile[] => textFiles().filter(({ path }) => isCode(path));

export const isCode = (path: string): boolean => /\.(ts|mts|mjs|js)$/.test(path);

/** Tests, and what only tests use. */
export const isTest = (path: string): boolean =>
  /\.(test|test-support)\.ts$/.test(path) || /^test\//.test(path) || /\/scenarios\//.test(path);

/** What ends up at a user: the sources of packages without their tests and `testing` entries. */
export const isProduct = (path: string): boolean =>
  /^packages\/[^/]+\/src\//.test(path) && !isTest(path) && !/^packages\/[^/]+\/src\/testing\//.test(path);

function* pathsBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (SKIPPED_FOLDERS.has(entry.name)) continue;
    if (entry.isDirectory()) yield* pathsBelow(join(folder, entry.name));
    else if (entry.isFile()) yield join(folder, entry.name);
  }
}
