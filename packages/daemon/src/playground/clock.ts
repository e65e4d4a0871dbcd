import type { Clock } from '@hurricane/core';

/** The machine's own time, for a simulated world that people watch. */
export const machineClock: Clock = {
  now: () => performance.now(),
  wall: () => Math.floor(Date.now() / 1000),
  alarm(at, _label, fire) {
    // Timers fire up to a millisecond early, and an alarm never may.
    const ring = (): void => {
      const left = at - performance.now();
      if (left > 0) timer = setTimeout(ring, Math.ceil(left));
      else fire();
    };
    let timer = setTimeout(ring, Math.max(0, Math.ceil(at - performance.now())));
    return { cancel: () => clearTimeout(timer) };
  },
};
