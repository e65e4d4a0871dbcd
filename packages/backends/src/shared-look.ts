import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DriverError } from '@hurricane/core';
import { err, errAsync, type Result, ResultAsync } from 'neverthrow';

/** Looks at the host, knowing all that it is asked for. */
type Look<K, T> = (asked: ReadonlySet<K>, signal: AbortSignal) => ResultAsync<T, DriverError>;

interface Round<K, T> {
  readonly asked: Set<K>;
  readonly callOff: AbortController;
  readonly answer: Promise<Result<T, DriverError>>;
  waiting: number;
}

/**
 * One look for all who ask at about the same time: starting a program costs more than what it answers.
 *
 * Whoever asks while a look is under way gets the next one, which begins when that has ended: no answer
 * is older than its question, and there are never two looks at a time. Abort: the asker is told at once,
 * and the look is called off when nobody waits for it any more.
 */
export function sharedLook<K, T>(look: Look<K, T>): (key: K, signal: AbortSignal) => ResultAsync<T, DriverError> {
  let before: Promise<unknown> = Promise.resolve();
  let next: Round<K, T> | null = null;

  const forget = (round: Round<K, T>): void => {
    if (next === round) next = null;
  };

  const open = (): Round<K, T> => {
    const [asked, callOff, earlier] = [new Set<K>(), new AbortController(), before];
    const run = async (): Promise<Result<T, DriverError>> => {
      await earlier;
      // Those who are about to ask get their word in.
      await nextTurn();
      forget(round);
      return look(asked, callOff.signal);
    };
    const round: Round<K, T> = { asked, callOff, waiting: 0, answer: run() };
    before = round.answer;
    return round;
  };

  return (key, signal) => {
    if (signal.aborted) return errAsync({ kind: 'aborted' });
    next ??= open();
    const round = next;
    round.asked.add(key);
    round.waiting += 1;
    const leave = (): void => {
      round.waiting -= 1;
      if (round.waiting > 0) return;
      forget(round);
      round.callOff.abort();
    };
    return new ResultAsync(untilAborted(round.answer, signal, leave));
  };
}

function untilAborted<T>(
  answer: Promise<Result<T, DriverError>>,
  signal: AbortSignal,
  leave: () => void,
): Promise<Result<T, DriverError>> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      leave();
      resolve(err({ kind: 'aborted' }));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    void answer.then((result) => {
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    });
  });
}
