import type { Logger, LogLevel, Millis } from '@hurricane/core';
import { pino } from 'pino';
import type { LogFormat } from './invocation.js';
import { journalLine, type LogEntry, MAX_MESSAGE, timedLine } from './log-line.js';
import { LogSink, type TextStream } from './log-sink.js';

/** The daemon's log: a `Logger` whose level can change while it runs. */
export interface Log extends Logger {
  setLevel(level: LogLevel): void;
  /** Resolves once everything has been written, or after `limit`. */
  flush(limit: Millis): Promise<void>;
}

export interface LogOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  readonly stream: TextStream;
  /** The journal reads it: no time stamps, levels as priorities. */
  readonly journal: boolean;
  /** Default: the machine's clock. */
  readonly now?: () => Date;
}

/** Makes the log. */
export function createLog(options: LogOptions): Log {
  const { format, level, stream, journal, now = () => new Date() } = options;
  const sink = new LogSink(stream);
  const lineOf = (entry: LogEntry): string => (journal ? journalLine(entry) : timedLine(entry, now()));
  const logger = pino(
    {
      level,
      // Neither our process number nor the name of the machine on every line.
      base: null,
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? { write: (line) => sink.write(line.trimEnd()) } : textDestination(sink, lineOf),
  );
  return {
    log: (at, message, fields) => {
      const lost = sink.isFull ? 0 : sink.takeLost();
      if (lost > 0) logger.warn({}, `${lost} lines of this log were not read in time and are lost`);
      logger[at](fields ?? {}, message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message);
    },
    setLevel: (next) => {
      logger.level = next;
    },
    flush: (limit) => sink.flush(limit),
  };
}

/**
 * Whether what is written to standard error goes to the journal.
 *
 * @param journalStream the environment's JOURNAL_STREAM: `device:inode` (systemd.exec(5)). It is
 * inherited by programs whose standard error leads elsewhere, so the numbers have to agree.
 */
export function leadsToJournal(
  journalStream: string | undefined,
  stderr: { readonly dev: number; readonly ino: number },
): boolean {
  return journalStream === `${stderr.dev}:${stderr.ino}`;
}

/** pino tells a destination marked so what it has just logged (its documentation, "pino.destination"). */
interface ToldDestination {
  readonly [pinoMetadata]: true;
  lastLevel: number;
  lastMsg: string;
  lastObj: Readonly<Record<string, unknown>>;
  write(line: string): void;
}

const pinoMetadata: unique symbol = Symbol.for('pino.metadata') as never;

function textDestination(sink: LogSink, lineOf: (entry: LogEntry) => string): ToldDestination {
  return {
    [pinoMetadata]: true,
    lastLevel: 0,
    lastMsg: '',
    lastObj: {},
    write() {
      const level = (pino.levels.labels[this.lastLevel] ?? 'info') as LogLevel;
      sink.write(lineOf({ level, message: this.lastMsg, fields: this.lastObj }));
    },
  };
}
