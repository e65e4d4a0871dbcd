import type { Clock } from '../contracts.js';
import type { Millis } from '../units.js';

/** Resolves after `length` on that clock, or as soon as `signal` aborts. */
export function sleep(clock: Clock, length: Millis, label: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const wake = (): void => {
      alarm.cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const alarm = clock.alarm(clock.now() + length, label, wake);
    signal?.addEventListener('abort', wake, { once: true });
  });
}

/** Resolves when `signal` aborts, and not before. */
export function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
