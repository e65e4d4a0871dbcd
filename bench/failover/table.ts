import { type Figures, figuresOf, tableOf } from '../figures.js';
import type { Bound, Line, Unit } from './row.js';

/** What became of one row: its lines, or why there are none. */
export interface Outcome {
  readonly row: string;
  /** The machine's load average when it began, of a minute. */
  readonly load: number;
  readonly lines: readonly Line[];
  readonly problem: string | null;
}

const DIGITS: Readonly<Record<Unit, number>> = {
  s: 2,
  ms: 1,
  '/s': 2,
  'B/s': 0,
  '%': 1,
  MB: 0,
  lost: 0,
  alarms: 0,
  times: 1,
};

/** The marks in the column of others. None of them was measured in this run unless it says so. */
export const SOURCES: string =
  'Others, as they come: [M] measured on a machine like this one, in another run; [C] follows from the constants in ' +
  'their code; [D] their documentation says so; [S] simulated with the same channels. "beside" means in this run.';

export function tableOfOutcomes(outcomes: readonly Outcome[]): string {
  const head = ['what', 'goal', 'p50', 'p99', 'max', 'n', 'goal met?', 'others', 'load'];
  return tableOf(
    head,
    outcomes.flatMap(({ row, load, lines, problem }) => {
      const at = load.toFixed(1);
      if (problem !== null) return [[row, '', '', '', '', '', `not measured: ${inOneLine(problem)}`, '', at]];
      return lines.map((line) => [...cellsOf(line), at]);
    }),
  );
}

/** Whether all was measured, and is as it should be. */
export function isAllMet(outcomes: readonly Outcome[]): boolean {
  return outcomes.every(
    ({ lines, problem }) =>
      problem === null && lines.every((line) => missed(line, figuresOf(line.values)).length === 0),
  );
}

function cellsOf(line: Line): readonly string[] {
  const figures = figuresOf(line.values);
  const shown = (value: number): string => valued(value, line.unit);
  const spread = figures.n > 1 ? [shown(figures.p50), shown(figures.p99)] : ['', ''];
  const misses = missed(line, figures).map(({ of, atMost }) => `${of} by ${shown(figures[of] - atMost)}`);
  const verdict = line.goal.length === 0 ? '' : misses.length === 0 ? 'met' : `**missed**: ${misses.join(', ')}`;
  const goal = line.goal.map((bound) => boundText(bound, line.unit)).join(', ');
  return [line.what, goal, ...spread, shown(figures.max), line.n ?? `${figures.n}`, verdict, line.anchors];
}

function missed(line: Line, figures: Figures): readonly Bound[] {
  // Written so that a figure that is not a number has missed.
  return line.goal.filter(({ of, atMost }) => !(figures[of] <= atMost));
}

function boundText({ of, atMost }: Bound, unit: Unit): string {
  return `${of === 'max' ? '' : `${of} `}≤ ${atMost}${unitText(unit)}`;
}

function valued(value: number, unit: Unit): string {
  return `${value.toFixed(DIGITS[unit])}${unitText(unit)}`;
}

function unitText(unit: Unit): string {
  switch (unit) {
    case 's':
    case 'ms':
    case 'B/s':
    case '%':
    case 'MB':
      return ` ${unit}`;
    case '/s':
      return unit;
    case 'times':
      return ' ×';
    case 'lost':
    case 'alarms':
      return '';
  }
}

const inOneLine = (text: string): string => text.split('\n')[0]?.replaceAll('|', '/') ?? '';
