import type { ProbeError, ProbeFinding } from '@hurricane/core';
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
  let over = false;
  let stop: StopProbing = () => Promise.resolve();
  const run = async (): Promise<Result<void, ProbeError>> => {
    const error = await ending();
    await stop();
    return error === null ? ok() : err(error);
  };
  const ending = (): Promise<ProbeError | null> =>
    new Promise((resolve) => {
      const end = (error: ProbeError | null): void => {
        if (over) return;
        over = true;
        signal.removeEventListener('abort', aborted);
        resolve(error);
      };
      const aborted = (): void => end(null);
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted);
      attempt(() => {
        stop = begin({ report: (finding) => over || attempt(() => report(finding), end), fail: end });
      }, end);
    });
  return new ResultAsync(run());
}

/** Calls foreign code; what it throws becomes a value here. */
function attempt(call: () => void, fail: (error: ProbeError) => void): void {
  try {
    call();
  } catch (cause) {
    fail({ kind: 'defect', cause });
  }
}
