import { readFile } from 'node:fs/promises';
import type { CounterMeter, DriverError, HostCounters, LinkCounters } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';

/** Columns after the interface's name (proc_pid_net(5)): bytes received, and eight further on, bytes sent. */
const RX = 0;
const TX = 8;

/** Reads `/proc/net/dev` as this process's network namespace has it. */
export function procCounters(path = '/proc/self/net/dev'): CounterMeter {
  const read = async (signal: AbortSignal): Promise<Result<HostCounters, DriverError>> => {
    if (signal.aborted) return err({ kind: 'aborted' });
    try {
      return ok(parseCounters(await readFile(path, 'utf8')));
    } catch (cause) {
      return err({ kind: 'defect', cause });
    }
  };
  return { read: (signal) => new ResultAsync(read(signal)) };
}

/** The table's lines, without its two of heading and whatever else is not a line of counters. */
export function parseCounters(text: string): HostCounters {
  const counters = new Map<string, LinkCounters>();
  for (const line of text.split('\n')) {
    // Names hold no space, but may hold a colon: the one before the numbers is the last.
    const found = /^\s*(\S+):\s*(\d[\d\s]*)$/.exec(line);
    const numbers = (found?.[2] ?? '').trim().split(/\s+/);
    const [name, rx, tx] = [found?.[1], numbers[RX], numbers[TX]];
    if (name === undefined || !rx || !tx) continue;
    counters.set(name, { rx: BigInt(rx), tx: BigInt(tx) });
  }
  return counters;
}
