import type { LogLevel } from '@hurricane/core';
import type { LogLine, LogSource } from '@hurricane/http';
import type { Log } from './log.js';

/** Lines that are kept for the API: some hours of a quiet gateway, a few minutes of one that logs every decision. */
export const LINES_KEPT = 1_000;

/** Characters of a line that are kept. Together: at most 2 MB. */
const LONGEST_LINE = 1_000;

const WEIGHT: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** The newest lines of a log, in bounded memory. */
export class LogRing implements LogSource {
  readonly #lines: LogLine[] = [];
  readonly #now: () => number;
  #lastId = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  add(level: LogLevel, message: string): void {
    this.#lastId += 1;
    const text = message.length > LONGEST_LINE ? `${message.slice(0, LONGEST_LINE)}…` : message;
    this.#lines.push({ id: this.#lastId, at: this.#now(), level, text });
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
  }

  since(id: number | null): ReturnType<LogSource['since']> {
    // An id that has not been given out is one of the run before this one.
    const known = id !== null && id <= this.#lastId ? id : null;
    const entries = this.#lines.filter((line) => line.id > (known ?? 0));
    const first = this.#lines[0]?.id ?? this.#lastId + 1;
    const gap = id !== null && (known === null || first > known + 1);
    return { entries, gap, lastId: this.#lastId };
  }
}

/** The same log, whose lines are also kept: those that it would write. */
export function keptLog(log: Log, ring: LogRing, level: LogLevel = 'info'): Log {
  let least = level;
  return {
    log: (at, message, fields) => {
      if (WEIGHT[at] >= WEIGHT[least]) ring.add(at, message);
      log.log(at, message, fields);
    },
    setLevel: (next) => {
      least = next;
      log.setLevel(next);
    },
    flush: (limit) => log.flush(limit),
  };
}
