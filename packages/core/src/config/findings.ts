import { MAX_PROBLEMS } from './bounds.js';
import type { ConfigProblem } from './model.js';

/** Where in the text something stands. */
export interface Place {
  readonly line: number | null;
  /** `section.key`, `section` or '', safe to print. */
  readonly where: string;
}

/** Everything noticed while one text is read. Filled by the reading functions, in no order. */
export interface Findings {
  readonly problems: ConfigProblem[];
  readonly warnings: ConfigProblem[];
}

/** No one line is at fault. */
export const NOWHERE: Place = { line: null, where: '' };

export function problemAt(place: Place, problem: string): ConfigProblem {
  return { line: place.line, where: place.where, problem };
}

/** By line, what has none last; at most `MAX_PROBLEMS`, the last of them counting the rest. */
export function inOrder(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const sorted = [...problems].sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0);
  if (sorted.length <= MAX_PROBLEMS) return sorted;
  const told = sorted.slice(0, MAX_PROBLEMS - 1);
  return [...told, problemAt(NOWHERE, `there are ${sorted.length - told.length} further problems`)];
}
