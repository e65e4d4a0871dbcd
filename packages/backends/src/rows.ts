import type { DriverError } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';

/** One object of what `ip -j` printed. Fields come and go between versions: read them with the functions here. */
export type Row = Readonly<Record<string, unknown>>;

/** The rows of a command's JSON. Nothing at all counts as no rows; anything else that is not a list is an error. */
export function parseRows(argv: readonly string[], stdout: string): Result<readonly Row[], DriverError> {
  if (stdout.trim() === '') return ok([]);
  const unreadable = err<readonly Row[], DriverError>({
    kind: 'command_failed',
    argv,
    exitCode: 0,
    stderr: `the answer is not a JSON list: ${stdout.slice(0, 80)}`,
  });
  try {
    const value: unknown = JSON.parse(stdout);
    return Array.isArray(value) ? ok(value.filter(isRow)) : unreadable;
  } catch {
    return unreadable;
  }
}

export const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Null when the field is absent or of another type. */
export function textOf(row: Row, key: string): string | null {
  const value = row[key];
  return typeof value === 'string' ? value : null;
}

/** Takes numbers in quotes too, as `ip` prints tables and protocols. Null when it is not a number. */
export function numberOf(row: Row, key: string): number | null {
  const value = row[key];
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : null;
}

/** Empty when the field is absent or not a list. */
export function listOf(row: Row, key: string): readonly unknown[] {
  const value = row[key];
  return Array.isArray(value) ? value : [];
}
