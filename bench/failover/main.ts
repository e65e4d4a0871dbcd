import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { requireHost } from '../../test/support/require-host.js';
import { BRIEF, type Effort, THOROUGH } from './effort.js';
import type { Row } from './row.js';
import { ROWS } from './rows.js';
import { isAllMet, type Outcome, SOURCES, tableOfOutcomes } from './table.js';

const HELP = `npm run bench:failover -- [options] [row...]

Measures how the gateway holds its tunnels up, with real packets between network namespaces, and prints one
Markdown table with the figures of others beside ours. Needs root. All rows unless some are named:

${ROWS.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`).join('\n')}

  --thorough         more of everything: about half an hour, not eight minutes
  -h, --help         this

Exit code: 0 all goals met, 1 a goal missed or a row not measured, 2 a mistake on the command line.
`;

async function main(): Promise<number> {
  const asked = readArguments();
  if (typeof asked === 'number') return asked;
  keepTidy();
  const outcomes: Outcome[] = [];
  for (const [index, row] of asked.rows.entries()) {
    outcomes.push(await outcomeOf(row, asked.effort, `${index + 1}/${asked.rows.length} ${row.name}`));
  }
  console.log(`${machine()}\n\n${tableOfOutcomes(outcomes)}\n\n${SOURCES}`);
  return isAllMet(outcomes) ? 0 : 1;
}

function readArguments(): { readonly rows: readonly Row[]; readonly effort: Effort } | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { thorough: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      console.log(HELP);
      return 0;
    }
    const unknown = positionals.filter((name) => !ROWS.some((row) => row.name === name));
    if (unknown.length > 0) throw new Error(`there is no row called ${unknown.join(' or ')}`);
    const rows = positionals.length === 0 ? ROWS : ROWS.filter(({ name }) => positionals.includes(name));
    return { rows, effort: values.thorough === true ? THOROUGH : BRIEF };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
}

/** One that fails does not keep the others from being measured. */
async function outcomeOf(row: Row, effort: Effort, title: string): Promise<Outcome> {
  const load = loadavg()[0] ?? Number.NaN;
  const none = (problem: string): Outcome => ({ row: row.name, load, lines: [], problem });
  const begun = performance.now();
  const missing = requireHost(row.needs);
  if (missing !== null) return none(missing);
  try {
    const lines = await row.measure(effort, (text) => tell(`${title}: ${text}`));
    tell(`${title}: ${Math.round((performance.now() - begun) / 1000)} s`, true);
    return { row: row.name, load, lines, problem: null };
  } catch (error) {
    tell(`${title}: ${error instanceof Error ? error.stack : String(error)}`, true);
    return none(error instanceof Error ? error.message : String(error));
  }
}

/** On a terminal each text replaces the one before; elsewhere only the last of a row is kept. */
function tell(text: string, last = false): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}${last ? '\n' : ''}`);
  else if (last) process.stderr.write(`${text}\n`);
}

function machine(): string {
  const [cpu] = cpus();
  return `Linux ${release().split('-')[0]}, ${cpus().length} × ${cpu?.model ?? 'CPU'}, Node.js ${process.versions.node}`;
}

/** Whatever ends this program, namespaces and programs (their own exit hook) and files go with it. */
function keepTidy(): void {
  const files = mkdtempSync(join(tmpdir(), 'hurricane-bench-'));
  process.env['TMPDIR'] = files;
  process.once('exit', () => rmSync(files, { recursive: true, force: true }));
  // Numbers of signal(7): what a shell expects of a program that a signal has ended.
  process.once('SIGHUP', () => process.exit(128 + 1));
  process.once('SIGINT', () => process.exit(128 + 2));
  process.once('SIGTERM', () => process.exit(128 + 15));
}

process.exitCode = await main();
