import type { LogLevel } from '@hurricane/core';
import { printableWithin } from './printable.js';

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Characters of a message that are written. Commands quote what other programs said, and that can be anything. */
export const MAX_MESSAGE = 8_192;

/** Characters of all fields of a line together. */
const MAX_FIELDS = 2_048;

/** What a message is drawn from stands in words in it already. */
const TOLD_BY_MESSAGE: ReadonlySet<string> = new Set(['news']);

/** syslog(3). */
const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

/** `[2026-11-22 21:41:00] [INFO] Selected primary tunnel: he (health: 95)`, in local time. */
export function timedLine(entry: LogEntry, at: Date): string {
  return `[${localTime(at)}] ${plainLine(entry)}`;
}

/** The same for the journal, which has a clock of its own and takes the level as `<6>` (sd-daemon(3)). */
export function journalLine(entry: LogEntry): string {
  return `<${PRIORITY[entry.level]}>${plainLine(entry)}`;
}

function plainLine({ level, message, fields }: LogEntry): string {
  const rest = Object.entries(fields).filter(([key]) => !TOLD_BY_MESSAGE.has(key));
  const values = rest.map(([key, value]) => ` ${key}=${toText(value)}`).join('');
  return `[${level.toUpperCase()}] ${printableWithin(MAX_MESSAGE, message)}${printableWithin(MAX_FIELDS, values)}`;
}

function toText(value: unknown): string {
  try {
    const text = JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner === 'bigint') return `${inner}`;
      return inner instanceof Error ? inner.message : inner;
    });
    return text ?? 'null';
  } catch {
    return '"(not printable)"';
  }
}

function localTime(at: Date): string {
  const two = (n: number): string => `${n}`.padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
