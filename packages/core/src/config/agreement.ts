import { KERNEL_TABLES, MAX_SLOTS, TABLES } from './bounds.js';
import { type Findings, problemAt } from './findings.js';
import type { FailoverPolicy, OperationPolicy, RoutingPolicy } from './model.js';
import { describeMillis } from './readers.js';
import type { Reading } from './setting.js';
import type { HealthValues } from './settings.js';

/** Something two settings promise each other. */
interface Agreement<T> {
  readonly between: readonly [keyof T, keyof T];
  readonly holds: (values: T) => boolean;
  readonly broken: (values: T) => string;
}

export function checkHealth(reading: Reading<HealthValues>, findings: Findings): void {
  check(reading, HEALTH_AGREEMENTS, findings);
}

export function checkFailover(reading: Reading<FailoverPolicy>, findings: Findings): void {
  check(reading, FAILOVER_AGREEMENTS, findings);
}

export function checkOperation(reading: Reading<OperationPolicy>, findings: Findings): void {
  check(reading, OPERATION_AGREEMENTS, findings);
}

/** Every tunnel has the table after the one before it, and none may be a table of the kernel's. */
export function checkRouting(reading: Reading<RoutingPolicy>, tunnels: number, findings: Findings): void {
  const first = reading.values.tableBase;
  const last = first + Math.max(tunnels, 1) - 1;
  const place = reading.places.tableBase;
  if (place === null || reading.unread.has('tableBase')) return;
  if (last > TABLES.max)
    findings.problems.push(
      problemAt(place, `"${first}" leaves no room for ${tunnels} tables: the last table is ${TABLES.max}`),
    );
  if (first <= KERNEL_TABLES.max && last >= KERNEL_TABLES.min)
    findings.problems.push(
      problemAt(
        place,
        `tables ${first} to ${last} would take in ${KERNEL_TABLES.min} to ${KERNEL_TABLES.max}, which are the kernel's own: choose ${KERNEL_TABLES.max + 1} or more`,
      ),
    );
}

const HEALTH_AGREEMENTS: readonly Agreement<HealthValues>[] = [
  atMost('quickInterval', 'interval', 'quick_interval', 'probe_interval'),
  atMost('deadlineMin', 'deadlineMax', 'deadline_min', 'deadline_max'),
  atMost('deadlineMax', 'window', 'deadline_max', 'window'),
  atMost('interval', 'window', 'probe_interval', 'window'),
  atMost('slot', 'window', 'slot', 'window'),
  {
    between: ['slot', 'window'],
    holds: (v) => v.slot > v.window || v.window % v.slot === 0,
    broken: (v) =>
      `window (${describeMillis(v.window)}) must be a whole number of slots (${describeMillis(v.slot)} each)`,
  },
  {
    between: ['slot', 'window'],
    holds: (v) => v.window / v.slot <= MAX_SLOTS,
    broken: (v) =>
      `window (${describeMillis(v.window)}) is cut into more than ${MAX_SLOTS} slots: make slot (${describeMillis(v.slot)}) longer`,
  },
  {
    between: ['missesToSoftDown', 'missesToHardDown'],
    holds: (v) => v.missesToSoftDown < v.missesToHardDown,
    broken: (v) => `misses_soft (${v.missesToSoftDown}) must be less than misses_hard (${v.missesToHardDown})`,
  },
];

const FAILOVER_AGREEMENTS: readonly Agreement<FailoverPolicy>[] = [
  {
    between: ['leaveBelow', 'takeAtLeast'],
    holds: (v) => v.leaveBelow < v.takeAtLeast,
    broken: (v) => `leave_below (${v.leaveBelow}) must be less than take_at_least (${v.takeAtLeast})`,
  },
  atMost('failbackAfter', 'failbackAtMost', 'failback_after', 'failback_at_most'),
];

const OPERATION_AGREEMENTS: readonly Agreement<OperationPolicy>[] = [
  atMost('retryMin', 'retryMax', 'retry_min', 'retry_max'),
];

function atMost<K extends string>(
  small: K,
  large: K,
  smallKey: string,
  largeKey: string,
): Agreement<{ readonly [key in K]: number }> {
  return {
    between: [small, large],
    holds: (v) => v[small] <= v[large],
    broken: (v) =>
      `${smallKey} (${describeMillis(v[small])}) must not exceed ${largeKey} (${describeMillis(v[large])})`,
  };
}

function check<T>(reading: Reading<T>, agreements: readonly Agreement<T>[], findings: Findings): void {
  const { values, places, unread } = reading;
  for (const { between, holds, broken } of agreements) {
    if (between.some((key) => unread.has(key)) || holds(values)) continue;
    const set = between.flatMap((key) => places[key] ?? []);
    // The defaults agree among themselves, so one of the two was set; the later line broke it.
    const last = set.reduce((a, b) => ((b.line ?? 0) > (a.line ?? 0) ? b : a), set[0] ?? { line: null, where: '' });
    findings.problems.push(problemAt(last, broken(values)));
  }
}
