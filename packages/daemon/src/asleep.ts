import { uptime } from 'node:os';
import type { Millis } from '@hurricane/core';

/**
 * How long this machine has slept since it was started: `uptime` counts that time (CLOCK_BOOTTIME) and
 * `hrtime` does not (CLOCK_MONOTONIC). libuv gives whole seconds of the first, so it may be off by one.
 */
export function asleep(): Millis {
  return Math.max(0, uptime() * 1_000 - Number(process.hrtime.bigint() / 1_000_000n));
}
