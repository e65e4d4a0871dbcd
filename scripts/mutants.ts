import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.js';
import { MUTANTS } from './mutant-list.js';

// Plants one fault at a time in a copy of core and asks the simulation and the scenarios whether they notice.
// SEEDS=40 MINUTES=20 ONLY=words npm run mutants. With QUICK=1, seeds are played only where no scenario notices.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CORE = join(ROOT, 'packages/core');
const RUNNER = join(ROOT, 'scripts/mutant-seeds.ts');
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
const SEEDS = Number(process.env['SEEDS'] ?? 30);
const MINUTES = Number(process.env['MINUTES'] ?? 10);
const ONLY = process.env['ONLY'] ?? '';
const QUICK = process.env['QUICK'] === '1';

/** A mutant may hang: that counts as caught. */
const LIMIT_MS = 300_000;

interface Verdict {
  readonly mutant: Mutant;
  /** Seeds that failed, of those played. */
  readonly bySeeds: number;
  readonly seeds: number;
  readonly byScenarios: number;
  readonly first: string;
}

// All texts are looked up first: half an hour into a run is late to learn of a stale one.
for (const mutant of MUTANTS) for (const edit of mutant.edits) planted(join(CORE, 'src'), edit, mutant.name);
const verdicts: Verdict[] = [];
for (const mutant of MUTANTS.filter(({ name }) => name.includes(ONLY))) {
  const verdict = judge(mutant);
  verdicts.push(verdict);
  console.log(lineOf(verdict));
}
const survivors = verdicts.filter((v) => v.bySeeds === 0 && v.byScenarios === 0);
console.log(`${verdicts.length - survivors.length} of ${verdicts.length} caught`);
for (const { mutant } of survivors) console.log(`SURVIVED: ${mutant.name}`);
process.exitCode = survivors.length === 0 ? 0 : 1;

function judge(mutant: Mutant): Verdict {
  const home = mkdtempSync(join(tmpdir(), 'mutant-'));
  try {
    cpSync(join(CORE, 'src'), join(home, 'src'), { recursive: true });
    cpSync(join(CORE, 'package.json'), join(home, 'package.json'));
    linkModules(home);
    for (const edit of mutant.edits)
      writeFileSync(join(home, 'src', edit.file), planted(join(home, 'src'), edit, mutant.name));
    const byScenarios = mutant.scenarios.length === 0 ? 0 : playScenarios(home, mutant);
    const played = QUICK && byScenarios > 0 ? { bySeeds: 0, seeds: 0, first: '' } : playSeeds(home, mutant);
    return { mutant, byScenarios, ...played };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** What core's own files import, and vitest for its tests. */
function linkModules(home: string): void {
  const modules = join(home, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(CORE, 'node_modules')))
    symlinkSync(join(CORE, 'node_modules', name), join(modules, name));
  symlinkSync(join(ROOT, 'node_modules/vitest'), join(modules, 'vitest'));
}

/** The file's text with the fault in it. */
function planted(folder: string, { file, from, to }: Mutant['edits'][number], name: string): string {
  const text = readFileSync(join(folder, file), 'utf8');
  if (text.split(from).length !== 2)
    throw new Error(`mutant "${name}": its text is not found once in ${file}: ${from}`);
  return text.replace(from, () => to);
}

function playSeeds(home: string, { purity }: Mutant): Pick<Verdict, 'bySeeds' | 'seeds' | 'first'> {
  const entry = join(home, 'src/testing/index.ts');
  const argv = ['--import', 'tsx', RUNNER, entry, String(SEEDS), String(MINUTES), purity === true ? 'purity' : 'plain'];
  const { stdout } = spawnSync(process.execPath, argv, { cwd: ROOT, encoding: 'utf8', timeout: LIMIT_MS });
  const lines = stdout.trim().split('\n');
  const failed = lines.filter((line) => line.startsWith('seed '));
  // One that never came to its end hung or crashed, and that is being caught too.
  const broke = lines.at(-1) === 'done' ? 0 : 1;
  const first = failed[0] ?? (broke === 1 ? 'hung or crashed' : '');
  return { bySeeds: failed.length + broke, seeds: SEEDS, first };
}

/** How many tests of the named scenarios failed. */
function playScenarios(home: string, { scenarios }: Mutant): number {
  const files = scenarios.map((name) => `src/scenarios/${name}.test.ts`);
  const argv = [VITEST, 'run', '--root', home, '--reporter=json', '--testTimeout=60000', ...files];
  const { stdout, status } = spawnSync(process.execPath, argv, { cwd: home, encoding: 'utf8', timeout: LIMIT_MS });
  const failed = /"numFailedTests":(\d+)/.exec(stdout)?.[1];
  const total = /"numTotalTests":(\d+)/.exec(stdout)?.[1];
  if (failed !== undefined && Number(total) > 0) return Number(failed);
  if (status === null) return 1;
  throw new Error(`the scenarios ${scenarios.join(', ')} did not run: ${stdout.slice(0, 500)}`);
}

function lineOf({ mutant, bySeeds, seeds, byScenarios, first }: Verdict): string {
  const scenarios = mutant.scenarios.length === 0 ? '-' : String(byScenarios);
  const counts = `${`${bySeeds}/${seeds}`.padStart(6)} seeds ${scenarios.padStart(4)} scenarios`;
  return `${mutant.name.padEnd(66)} ${counts}  ${first.slice(0, 90)}`;
}
