import type { Clock, Millis } from '@hurricane/core';
import { CallOff, type Signal } from './signal.js';

/** A time limit, and a way to call off what runs under it. */
export interface Deadline {
  /** Aborted once the time is up, the parent is aborted, or `end` was called. */
  readonly signal: Signal;
  /** Whether it was the time that ended it. */
  readonly expired: boolean;
  /** Lets go of the alarm and the parent. To be called in any case. */
  end(): void;
}

/** `label` shows in diagnostics of the clock. */
export function startDeadline(clock: Clock, limit: Millis, label: string, parent?: Signal): Deadline {
  const controller = new CallOff();
  let expired = false;
  const alarm = clock.alarm(clock.now() + limit, label, () => {
    expired = true;
    controller.abort();
  });
  const onParent = (): void => controller.abort();
  if (parent?.aborted === true) controller.abort();
  parent?.addEventListener('abort', onParent, { once: true });
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    end() {
      alarm.cancel();
      parent?.removeEventListener('abort', onParent);
      controller.abort();
    },
  };
}

/** Aborted once any of several is. `AbortSignal.any` would stay registered with the longest-lived of them. */
export interface Joined {
  readonly signal: Signal;
  /** Lets go of all of them. To be called in any case. */
  end(): void;
}

export function joinSignals(signals: readonly Signal[]): Joined {
  const controller = new CallOff();
  const onAbort = (): void => controller.abort();
  for (const signal of signals) {
    if (signal.aborted) controller.abort();
    signal.addEventListener('abort', onAbort, { once: true });
  }
  return {
    signal: controller.signal,
    end() {
      for (const signal of signals) signal.removeEventListener('abort', onAbort);
    },
  };
}

/** What `promise` resolves to, or null once `signal` aborts. `promise` never rejects. */
export function unlessAborted<T>(promise: PromiseLike<T>, signal: Signal): Promise<T | null> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(null);
    const onAbort = (): void => resolve(null);
    signal.addEventListener('abort', onAbort, { once: true });
    void promise.then((value) => {
      signal.removeEventListener('abort', onAbort);
      resolve(value);
    });
  });
}
