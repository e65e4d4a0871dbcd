import { printableWithin } from './printable.js';

/** What is needed of `process`. */
export interface CrashSource {
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (thrown: unknown) => void): unknown;
}

/** Characters of an account of a crash. */
const ACCOUNT = 1_000;

/** Calls `report` with one line about a defect that nothing has caught. Only the first: its end may bring more. */
export function watchCrashes(source: CrashSource, report: (account: string) => void): void {
  let crashed = false;
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    source.on(event, (thrown) => {
      if (crashed) return;
      crashed = true;
      report(describeCrash(thrown));
    });
  }
}

/** One line: what was thrown, and where. */
export function describeCrash(thrown: unknown): string {
  return `A defect of v6-gatewayd ends it: ${accountOf(thrown)}`;
}

function accountOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return printableWithin(ACCOUNT, String(thrown));
  const place = thrown.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return printableWithin(ACCOUNT, `${thrown.name}: ${thrown.message}${place === undefined ? '' : ` ${place.trim()}`}`);
}
