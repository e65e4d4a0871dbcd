import type { Millis } from '@hurricane/core';

/** Between two looks at a condition. Short: what is waited for usually takes a few milliseconds. */
const POLL: Millis = 10;

/**
 * Looks at `condition` every 10 ms until it is neither false, null nor undefined, and resolves to what it said.
 *
 * Rejects with a sentence naming `what` once `limit` has passed. Looks at least once, and once more at the end.
 * A condition that throws ends the wait with its error.
 *
 * @example await waitFor(() => gateway.status().primary === 'he', 2_000, 'he to become primary');
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  limit: Millis,
  what: string,
): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + limit;
  for (;;) {
    const late = performance.now() >= end;
    const seen = await condition();
    if (seen !== false && seen !== null && seen !== undefined) return seen as Exclude<T, false | null | undefined>;
    if (late) throw new Error(`waited ${limit} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

/** Lets time pass. For what happens at a moment that a test chooses, never in place of a condition. */
export async function pass(time: Millis): Promise<void> {
  const from = performance.now();
  await waitFor(() => performance.now() - from >= time, time + 1_000, 'time to pass');
}
