import type { Millis } from '@hurricane/core';

/** Lets everybody else have a turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Resolves after so long, or as soon as `signal` aborts: then to false. */
export function pause(length: Millis, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const done = (whole: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', calledOff);
      resolve(whole);
    };
    const calledOff = (): void => done(false);
    const timer = setTimeout(() => done(true), length);
    signal.addEventListener('abort', calledOff);
  });
}
