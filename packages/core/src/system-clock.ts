import type { Clock } from './contracts.js';
import type { Instant, UnixMillis, UnixSeconds } from './units.js';

/** Node and browsers clamp longer timers to 1 ms. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The only place in core that touches real time. */
export const systemClock: Clock = {
  now(): Instant {
    return performance.now();
  },
  wall(): UnixSeconds {
    return Math.floor(Date.now() / 1000);
  },
  wallMillis(): UnixMillis {
    return Date.now();
  },
  alarm(at, _label, fire) {
    let timer: ReturnType<typeof setTimeout>;
    // Timers fire up to a millisecond early and may not exceed 2^31: both mean "not yet, wait again".
    const wait = (): void => {
      const left = at - performance.now();
      if (left <= 0) fire();
      else timer = setTimeout(wait, Math.min(LONGEST_TIMER_MS, Math.ceil(left)));
    };
    timer = setTimeout(wait, Math.max(0, Math.min(LONGEST_TIMER_MS, Math.ceil(at - performance.now()))));
    return { cancel: () => clearTimeout(timer) };
  },
};
