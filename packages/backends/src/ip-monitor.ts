import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { DriverError, HostChange, HostMonitor, Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { spawnFault } from './command.js';
import { killGroup, type Launch, launchProgram } from './launch.js';
import { parseMonitorLine } from './monitor-lines.js';

const ARGV = ['ip', '-o', 'monitor', 'label', 'link', 'address', 'route', 'rule'] as const;

/** Characters of one line. Real ones have a few hundred; what is longer is not one of ours. */
const LINE_LIMIT = 8_192;

/** Before a watcher that has died is started again; doubles up to the longest, and anew after a good run. */
const RESPAWN_MIN: Millis = 100;
const RESPAWN_MAX: Millis = 10_000;

/** Watches the kernel's notifications through one `ip monitor` that keeps running. */
export function ipMonitor(launch: Launch = launchProgram): HostMonitor {
  return { watch: (report, signal) => new ResultAsync(watch(launch, report, signal)) };
}

async function watch(
  launch: Launch,
  report: (change: HostChange) => void,
  signal: AbortSignal,
): Promise<Result<void, DriverError>> {
  let delay = RESPAWN_MIN;
  while (!signal.aborted) {
    const since = performance.now();
    const end = await watchOnce(launch, report, signal);
    if (end.isErr() && !signal.aborted) return err(end.error);
    if (performance.now() - since > RESPAWN_MAX) delay = RESPAWN_MIN;
    await pause(delay, undefined, { signal }).catch(() => undefined);
    delay = Math.min(RESPAWN_MAX, 2 * delay);
    // Whatever happened in between went unseen.
    if (!signal.aborted) report({ kind: 'link', iface: null });
  }
  return ok();
}

/** Until it dies or is called off. Errs only when it could not be started. */
function watchOnce(
  launch: Launch,
  report: (change: HostChange) => void,
  signal: AbortSignal,
): Promise<Result<void, DriverError>> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = launch(ARGV, { stdio: ['ignore', 'pipe', 'ignore'], ownGroup: true });
    } catch (cause) {
      return resolve(err({ kind: 'defect', cause }));
    }
    const stop = (): void => {
      killGroup(child);
      settle(ok());
    };
    const settle = (result: Result<void, DriverError>): void => {
      signal.removeEventListener('abort', stop);
      resolve(result);
    };
    signal.addEventListener('abort', stop, { once: true });
    child.once('error', (cause) => settle(err(spawnFault(ARGV, cause))));
    child.once('exit', () => settle(ok()));
    const take = lineSplitter((line) => {
      const change = parseMonitorLine(line);
      if (change !== null && !signal.aborted) report(change);
    });
    child.stdout?.setEncoding('utf8').on('data', take);
  });
}

/** Calls `onLine` for each whole line. One beyond {@link LINE_LIMIT} is dropped. */
export function lineSplitter(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  let isTooLong = false;
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!isTooLong && line.length <= LINE_LIMIT) onLine(line);
      isTooLong = false;
    }
    if (rest.length > LINE_LIMIT) {
      isTooLong = true;
      rest = '';
    }
  };
}
