import type { LogLevel, Millis } from '@hurricane/core';
import { fromThrowable } from 'neverthrow';

/** What a stage tells while it plays. */
export type Report =
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly text: string;
      /** `Date.now()` when it happened, here and below. */
      readonly wall: Millis;
    }
  /** An application's packets reach the Internet, from an address other than before or after a silence. */
  | {
      readonly kind: 'traffic';
      /** Where the Internet sees them come from. */
      readonly source: string;
      /** How long none had been answered. */
      readonly silence: Millis;
      /** By the clock of {@link uptime}. */
      readonly at: Millis;
      readonly wall: Millis;
    };

/** The machine's monotonic clock: the same in every process, unlike `performance.now()`. */
export const uptime = (): Millis => Number(process.hrtime.bigint()) / 1e6;

/** The longest report passed between processes; a longer line is not one of ours. */
const LINE_LIMIT = 65_536;

export const toLine = (report: Report): string => `${JSON.stringify(report)}\n`;

/** Calls `take` for each line of a stream, without its end. Lines beyond a limit are dropped. */
export function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_LIMIT);
    for (const line of lines) if (line.length <= LINE_LIMIT) take(line);
  });
}

/** Null for a line that is no report. */
export function toReport(line: string): Report | null {
  // Written by `toLine` in another process of ours; anything else there is a stray print.
  return fromThrowable(() => JSON.parse(line) as Report)().unwrapOr(null);
}
