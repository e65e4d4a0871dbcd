import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Millis } from '@hurricane/core';
import { fromThrowable } from 'neverthrow';
import type { ProcessReading } from './metrics-gauges.js';
import { Histogram } from './metrics-histogram.js';

export type { ProcessReading } from './metrics-gauges.js';

/** Between two looks at how late a timer comes: a gateway with one tunnel wakes more often than that for its probes. */
const LAG_INTERVAL: Millis = 1_000;

/** Seconds. A timer of Node's is up to 1 ms late on an idle machine. */
const LAG_BOUNDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 3];

export interface ProcessSource {
  read(): ProcessReading;
  /** Ends its timer, which holds no process up. */
  close(): void;
}

/** What this process says of itself, for `Metrics`. Reading takes no child process and no waiting. */
export function processSource(): ProcessSource {
  const lag = new Histogram(LAG_BOUNDS);
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lag.observe('', Math.max(0, now - last - LAG_INTERVAL) / 1_000, () => ({}));
    last = now;
  }, LAG_INTERVAL);
  timer.unref();
  const maxFds = fdLimit();
  return {
    read: () => {
      const { user, system } = process.cpuUsage();
      return {
        cpuSeconds: (user + system) / 1e6,
        residentBytes: process.memoryUsage.rss(),
        openFds: fdCount(),
        maxFds,
        startedAt: performance.timeOrigin / 1_000,
        loopBusySeconds: performance.eventLoopUtilization().active / 1_000,
        lag: lag.samples(),
      };
    },
    close: () => clearInterval(timer),
  };
}

/** proc_pid_fd(5). The one that lists them is not counted. */
function fdCount(): number | null {
  return fromThrowable(() => readdirSync('/proc/self/fd').length - 1)().unwrapOr(null);
}

/** proc_pid_limits(5). Null also where there is no limit. */
function fdLimit(): number | null {
  const limits = fromThrowable(() => readFileSync('/proc/self/limits', 'utf8'))().unwrapOr('');
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}
