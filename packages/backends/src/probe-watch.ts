import type { Millis, ProbeError, ProbeFinding } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';

/** One running watch, as the prober inside sees it. */
export interface ProbeWatch {
  /** Passes a finding on; silent once the watch is over. */
  report(finding: ProbeFinding): void;
  /** Ends the watch with an error. The first end counts. */
  fail(error: ProbeError): void;
}

/** Lets go of everything a watch holds: processes, sockets, timers. Bounded; never rejects. */
export type StopProbing = () => Promise<void>;

/**
 * Runs `begin` until `signal` aborts (Ok) or the watch fails (Err), then stops what it began.
 *
 * The part of the `Prober` contract that all probers share: nothing is reported after the end,
 * and whatever `begin` or `report` throw becomes a `defect`.
 */
export function runProbeWatch(
  report: (finding: ProbeFinding) => void,
  signal: AbortSignal,
  begin: (watch: ProbeWatch) => StopProbing,
): ResultAsync<void, ProbeError> {
  const ended = new Promise<Result<StopProbing, { error: ProbeError; stop: StopProbing }>>((resolve) => {
    let over = false;
    let stop: StopProbing = () => Promise.resolve();
    const end = (error: ProbeError | null): void => {
      if (over) return;
      over = true;
      signal.removeEventListener('abort', aborted);
      // `begin` may fail before it has returned what stops it.
      queueMicrotask(() => resolve(error === null ? ok(stop) : err({ error, stop })));
    };
    const aborted = (): void => end(null);
    const fail = (error: ProbeError): void => end(error);
    if (signal.aborted) return end(null);
    signal.addEventListener('abort', aborted);
    const pass = (finding: ProbeFinding): void => {
      if (over) return;
      try {
        report(finding);
      } catch (cause) {
        fail({ kind: 'defect', cause });
      }
    };
    try {
      stop = begin({ report: pass, fail });
    } catch (cause) {
      fail({ kind: 'defect', cause });
    }
  });
  return new ResultAsync(
    ended.then(async (end): Promise<Result<void, ProbeError>> => {
      if (end.isOk()) {
        await end.value();
        return ok();
      }
      await end.error.stop();
      return err(end.error.error);
    }),
  );
}

/** An interval shortened to 75-100 % of `interval`; `chance` is from 0 to 1 (RFC 5880 section 6.8.7). */
export function jittered(interval: Millis, chance: number): Millis {
  return interval * (0.75 + 0.25 * chance);
}
