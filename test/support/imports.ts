import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import type { SourceFile } from './sources.js';

/** One module that a file names, wherever it does so. */
export interface Import {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly specifier: string;
}

/** Static imports and re-exports, imports for their effect, dynamic ones, and files named by their URL. */
const FORMS: readonly RegExp[] = [
  /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^[ \t]*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\bnew URL\(\s*['"](\.[^'"]+\.m?js)['"]\s*,\s*import\.meta\.url\s*\)/g,
];

/** Reads a file as text, without a compiler: the house style leaves few ways to write an import. */
export function importsOf({ path, text }: SourceFile): readonly Import[] {
  return FORMS.flatMap((form) =>
    [...text.matchAll(form)].map((found) => ({
      path,
      line: text.slice(0, found.index + found[0].length).split('\n').length,
      specifier: found[1] ?? '',
    })),
  );
}

/** `hono` for `hono/cors`, `@hurricane/core` for `@hurricane/core/testing`; null for a file or a part of Node. */
export function packageNamed(specifier: string): string | null {
  if (specifier.startsWith('.') || isBuiltin(specifier)) return null;
  const [first, second] = specifier.split('/');
  return specifier.startsWith('@') ? `${first}/${second}` : (first ?? null);
}

/** The source file a relative import means; null for any other import. */
export function fileNamed({ path, specifier }: Import): string | null {
  if (!specifier.startsWith('.')) return null;
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}
