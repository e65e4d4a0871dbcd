import { MAX_QUOTED } from './bounds.js';

/** Somebody's text, safe to print: control and invisible characters escaped, cut to `MAX_QUOTED`. */
export function shown(text: string): string {
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text;
  // \p{C}: control, format (which can reverse the line), unpaired surrogates, unassigned.
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `"text"`, safe to print. */
export function quoted(text: string): string {
  return `"${shown(text)}"`;
}

/** `; did you mean "x"?` when one of `known` is near enough to be meant, else nothing. */
export function suggestion(text: string, known: Iterable<string>): string {
  const nearest = nearestOf(text, known);
  return nearest === null ? '' : `; did you mean "${nearest}"?`;
}

/** The nearest of `known`, first come first served. Letter case costs nothing. */
export function nearestOf(text: string, known: Iterable<string>): string | null {
  if (text.length > MAX_QUOTED) return null;
  // One slip in three letters is a slip; more is another word.
  let least = Math.min(3, Math.floor(text.length / 3)) + 1;
  let nearest: string | null = null;
  for (const word of known) {
    if (Math.abs(word.length - text.length) >= least) continue;
    const distance = editDistance(text.toLowerCase(), word.toLowerCase());
    if (distance < least) [least, nearest] = [distance, word];
  }
  return nearest;
}

/** Letters to insert, remove, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced, swapped ? at(beforeLast, j - 2) + 1 : replaced));
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? 0;
