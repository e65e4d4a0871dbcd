type StopSignal = 'SIGTERM' | 'SIGINT';

/** What is needed of `process`. */
export interface SignalSource {
  on(signal: StopSignal | 'SIGHUP' | 'SIGPIPE', listener: () => void): unknown;
}

/** What the operator asks for by signals. */
export interface Signals {
  /** Aborts at the first SIGTERM or SIGINT; its reason is the signal's name. */
  readonly stop: AbortSignal;
  /** Aborts at the second. */
  readonly stopAtOnce: AbortSignal;
  /** Calls `reload` for each SIGHUP, and at once when there has been one already. */
  onReload(reload: () => void): void;
}

/** Listens for signals from this moment on: one that comes early is kept. */
export function watchSignals(source: SignalSource): Signals {
  const stop = new AbortController();
  const stopAtOnce = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    source.on(name, () => (stop.signal.aborted ? stopAtOnce : stop).abort(name));
  }
  // A reader of ours that goes away is no reason to end; writing to it fails with EPIPE.
  source.on('SIGPIPE', () => undefined);
  let asked = false;
  let reload: (() => void) | null = null;
  source.on('SIGHUP', () => {
    if (reload === null) asked = true;
    else reload();
  });
  return {
    stop: stop.signal,
    stopAtOnce: stopAtOnce.signal,
    onReload: (listener) => {
      reload = listener;
      if (asked) listener();
      asked = false;
    },
  };
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
