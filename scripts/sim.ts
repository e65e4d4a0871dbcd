import { type SimulationReport, simulate } from '../packages/core/src/testing/index.js';

// SEED=7 SEEDS=1000 MINUTES=60 PURE=1 npm run sim

const first = numberOf('SEED', 1);
const seeds = numberOf('SEEDS', process.env['SEED'] === undefined ? 100 : 1);
const minutes = numberOf('MINUTES', 60);
const checkPurity = process.env['PURE'] === '1';

const begun = performance.now();
const bad: SimulationReport[] = [];
let steps = 0;
let switches = 0;
for (let seed = first; seed < first + seeds; seed += 1) {
  const report = await simulate(seed, minutes, { checkPurity });
  steps += report.steps;
  switches += report.switches;
  if (report.failures.length > 0) {
    bad.push(report);
    explain(report);
  }
}
const seconds = (performance.now() - begun) / 1000;
const pace = `${Math.round(steps / seconds)} steps/s, ${Math.round((seeds * minutes * 60) / seconds)} times real time`;
console.log(
  `${seeds} seeds of ${minutes} min: ${steps} steps, ${switches} failovers, ${bad.length} failing, ` +
    `${seconds.toFixed(1)} s (${pace})`,
);
if (bad.length > 0) console.log(`failing seeds: ${bad.map((report) => report.seed).join(' ')}`);
process.exitCode = bad.length === 0 ? 0 : 1;

function explain({ seed, minutes, swarm, failures, lastSteps }: SimulationReport): void {
  console.log(`seed ${seed} played with ${JSON.stringify({ ...swarm, config: swarm.config.tunnels })}`);
  for (const line of lastSteps) console.log(`  ${line}`);
  for (const failure of failures) console.log(`  FAILED ${failure}`);
  console.log(`  again: SEED=${seed} MINUTES=${minutes} npm run sim`);
}

function numberOf(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} must be a whole number`);
  return value;
}
