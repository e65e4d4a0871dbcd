import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS, type Mutant } from './mutant-list.js';

// Plants one fault at a time in a copy of core and asks the simulation and the scenarios whether they notice.
// SEEDS=40 MINUTES=20 ONLY=words npm run mutants

const CORE = fileURLToPath(new URL('../packages/core/', import.meta.url));
const SEEDS = Number(process.env['SEEDS'] ?? 30);
const MINUTES = Number(process.env['MINUTES'] ?? 10);
const ONLY = process.env['ONLY'] ?? '';

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
    symlinkSync(join(CORE, 'node_modules'), join(home, 'node_modules'));
    for (const { file, from, to } of mutant.edits) plant(join(home, 'src', file), from, to, mutant.name);
    return { mutant, ...playSeeds(home), byScenarios: mutant.scenarios.length === 0 ? 0 : playScenarios(home, mutant) };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function plant(path: string, from: string, to: string, name: string): void {
  const text = readFileSync(path, 'utf8');
  if (text.split(from).length !== 2) throw new Error(`mutant "${name}": its text is not found once in ${path}`);
  writeFileSync(path, text.replace(from, () => to));
}
