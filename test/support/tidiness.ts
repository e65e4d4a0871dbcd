import { reachableFrom } from './boundaries.js';
import { isCode, isProduct, isTest, type SourceFile } from './sources.js';

/** Something a reader, or another machine, would stumble over. */
export interface Rule {
  readonly name: string;
  readonly remedy: string;
  readonly applies: (path: string) => boolean;
  /** The lines at fault, counted from 1. */
  readonly find: (file: SourceFile) => readonly number[];
}

const LINE_LIMIT = 120;
const FILE_LIMIT = 300;

/** A sentence for people, whole so that it can be searched for: the formatter leaves it alone, too. */
const LONG_TEXT = /^\s*(const \w+ = |return |: )?(?<quote>['"`]).{60,}\k<quote>[,;)]*( \+)?$/;

/** What people write in a programming language, shell scripts without an ending included. */
const isSource = (path: string): boolean => isCode(path) || /\.(sh|c)$/.test(path) || path.startsWith('lab/guest/');

// Patterns are written so that they do not match themselves.
export const RULES: readonly Rule[] = [
  {
    name: `a file of more than ${FILE_LIMIT} lines`,
    remedy: 'split it where its name stops saying what is in it.',
    applies: (path) => isSource(path) && !isTest(path) && !path.endsWith('/contracts.ts'),
    find: ({ text }) => (text.trimEnd().split('\n').length > FILE_LIMIT ? [FILE_LIMIT + 1] : []),
  },
  {
    name: `a line of more than ${LINE_LIMIT} characters`,
    remedy: 'break it.',
    applies: isSource,
    find: eachLine((line) => line.length > LINE_LIMIT && !/https?:\/\//.test(line) && !LONG_TEXT.test(line)),
  },
  {
    name: 'a type or an error that is waved through',
    remedy: 'say what it is, or `unknown` and look.',
    applies: isCode,
    find: eachLine(
      (line) => /(:|\bas|[<,|(])\s*any\b(?!\()|@ts-(ignore|nocheck)/.test(codeOf(line)) || isSilenced(line),
    ),
  },
  {
    name: 'a note to do something later',
    remedy: 'do it, or name the issue: TO' + 'DO(#12): …',
    applies: isSource,
    find: eachLine((line) => /\b(TODO|FIXME|XXX)(?!\(#\d+\))\b/.test(line) && !line.includes("'TO' +")),
  },
  {
    name: 'a default export',
    remedy: 'give it a name, so that every importer calls it the same.',
    applies: (path) => isCode(path) && !/\.config\.ts$/.test(path) && path !== 'test/support/closing-line.ts',
    find: eachLine((line) => /^export default\b/.test(line)),
  },
  {
    name: 'history in a comment',
    remedy: 'say how it is; how it came about is the commit message.',
    applies: isSource,
    find: eachLine((line) => HISTORY.test(commentOf(line))),
  },
  {
    name: "a path of one person's machine",
    remedy: 'start from import.meta.url or the configuration; in an example write /home/someone.',
    applies: () => true,
    find: eachLine((line) => /(^|[^\w.*$}/-])\/(work|home|Users|farm)\/(?!someone\b)[^*]/.test(line)),
  },
  {
    name: 'the address of a package registry',
    remedy: "leave it to each machine's own settings (lockfileIncludeTarballUrl: false).",
    applies: () => true,
    find: eachLine((line) => /\bregistry\.[\w-]+\.(org|com|io)\b|^\s*tarball: /.test(line)),
  },
  {
    name: 'a shell',
    remedy: 'run the program itself with an argument array, so that no name can be read as a command.',
    applies: isProduct,
    find: eachLine((line) => SHELL.test(codeOf(line))),
  },
  {
    name: 'a time limit the garbage collector may take',
    remedy: 'abort a controller by setTimeout: AbortSignal.any does not keep an AbortSignal.timeout alive.',
    applies: isCode,
    find: eachLine((line) => /AbortSignal\.any\(.*AbortSignal\.timeout\(/.test(codeOf(line))),
  },
];

/** Words that tell how a thing came about. "Is used to" tells what it is for, which is welcome. */
const HISTORY = new RegExp(
  [
    String.raw`\b(no longer|instead of the old|now we|we now|previously|formerly)\b`,
    String.raw`(?<!\b(is|are|be|been|being|was|were|and|or|,) )\bused to\b`,
  ].join('|'),
  'i',
);

/** Every way of handing Node a command line instead of a program and its arguments. */
const SHELL = new RegExp(
  [
    String.raw`\bshell:\s*(true|['"])`,
    String.raw`(?<![.\w])exec(Sync)?\(`,
    String.raw`\bchild_process\.exec(Sync)?\b`,
    String.raw`\{[^}]*\bexec(Sync)?\b[^}]*\} from 'node:child_process'`,
    String.raw`['"](/bin/)?(ba)?sh['"]\s*,\s*\[?\s*['"]-c`,
  ].join('|'),
);

/** One sentence for each place in these files that breaks a rule, with file, line and what to do. */
export function untidyIn(files: readonly SourceFile[], rule: Rule): readonly string[] {
  return files
    .filter(({ path }) => rule.applies(path))
    .flatMap((file) => rule.find(file).map((line) => `${file.path}:${line} has ${rule.name}: ${rule.remedy}`));
}

/**
 * One sentence for each source file of a package that nothing leads to.
 *
 * Entries are what tsup.config.ts builds. A test leads only to what was made for tests.
 */
export function deadIn(files: readonly SourceFile[]): readonly string[] {
  const sources = files.filter(({ path }) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'));
  const entries = files.filter(({ path }) => path.endsWith('/tsup.config.ts')).flatMap(entriesOf);
  const tests = files.filter(({ path }) => path.endsWith('.test.ts')).map(({ path }) => path);
  const shipped = new Set(reachableFrom(entries, files).map(({ path }) => path));
  const tested = new Set(reachableFrom(tests, files).map(({ path }) => path));
  return sources
    .filter(({ path }) => !(isTest(path) ? tested : shipped).has(path))
    .map(({ path }) => `${path}:1 is reached from no entry of its package: use it or remove it.`);
}

function entriesOf({ path, text }: SourceFile): readonly string[] {
  const folder = path.slice(0, -'tsup.config.ts'.length);
  return [...text.matchAll(/['"](src\/[^'"]+\.ts)['"]/g)].map((found) => folder + found[1]);
}

function eachLine(isAtFault: (line: string) => boolean): Rule['find'] {
  return ({ text }) => text.split('\n').flatMap((line, index) => (isAtFault(line) ? [index + 1] : []));
}

/** A reason after the colon makes silencing the linter a decision that can be judged. */
function isSilenced(line: string): boolean {
  return /(biome|eslint|oxlint)-(ignore|disable)/.test(line) && !/biome-[i]gnore [\w/]+: \S/.test(line);
}

const COMMENT_LINE = /^\s*(\/\/|\/\*|\*|#)/;

function commentOf(line: string): string {
  if (COMMENT_LINE.test(line)) return line;
  return /(?:^|\s)(\/\/|\/\*|# )(.*)$/.exec(line)?.[2] ?? '';
}

/** Without comments, except those that speak to the compiler. */
function codeOf(line: string): string {
  if (COMMENT_LINE.test(line)) return /@ts-\w+/.exec(line)?.[0] ?? '';
  return line.replace(/(?<=^|\s)\/\/ .*$/, '');
}
