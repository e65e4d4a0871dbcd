import type { DriverError } from '@hurricane/core';
import { ResultAsync } from 'neverthrow';

/** Takes one step back. What it answers does not matter: the step may never have happened. */
export type Undo = () => ResultAsync<unknown, DriverError>;

/**
 * Runs `body`, and if that fails takes back, last first, what it noted with `note`. Not after an
 * abort: then there is no time, and the next `up` or `down` finds and finishes what is there.
 */
export function undoable<T>(
  body: (note: (undo: Undo) => void) => ResultAsync<T, DriverError>,
): ResultAsync<T, DriverError> {
  const undos: Undo[] = [];
  const run = async () => {
    const result = await body((undo) => undos.push(undo));
    if (result.isErr() && result.error.kind !== 'aborted') {
      for (const undo of undos.reverse()) await undo();
    }
    return result;
  };
  return new ResultAsync(run());
}
