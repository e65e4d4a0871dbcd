import type { Clock, Instant, Millis } from '@hurricane/core';

/** What a prober needs of a clock. */
export type ProbeClock = Pick<Clock, 'now' | 'alarm'>;

/** Node takes a longer timer for one of 1 ms. */
const LONGEST_TIMER: Millis = 2_147_483_647;

/**
 * The host's monotonic clock.
 *
 * An alarm fires only after input that had already arrived when it fell due has been read: a busy
 * event loop makes a probe's end late, but never calls a probe lost whose reply is waiting in a pipe.
 */
export const probeClock: ProbeClock = {
  now: () => performance.now(),
  alarm: (at, _label, fire) => armAlarm(at, fire),
};

function armAlarm(at: Instant, fire: () => void): { cancel(): void } {
  let immediate: NodeJS.Immediate | null = null;
  const wait = (): NodeJS.Timeout => {
    const left = Math.ceil(at - performance.now());
    return setTimeout(due, Math.max(0, Math.min(left, LONGEST_TIMER)));
  };
  const due = (): void => {
    // Node counts timers in whole milliseconds, and the longest falls short of a distant alarm.
    if (performance.now() < at) timer = wait();
    // Immediates run after the loop has polled for input, timers before; and after those the input asked for.
    else immediate = setImmediate(afterInput);
  };
  const afterInput = (): void => {
    immediate = setImmediate(fire);
  };
  let timer = wait();
  return {
    cancel: () => {
      clearTimeout(timer);
      if (immediate !== null) clearImmediate(immediate);
    },
  };
}
