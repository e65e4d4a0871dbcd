import { err, type Result, ResultAsync } from 'neverthrow';

export type Defect = { readonly kind: 'defect'; readonly cause: unknown };
export type Interruption = Defect | { readonly kind: 'aborted' };

/** The reason of every abort: one for all, because making an error with its stack is the dearest part of it. */
const CALLED_OFF = new Error('called off');

/** What is under way, by scope: so that it can be called off, and so that it never overlaps itself. */
export class Scopes {
  readonly #aborts = new Map<string, readonly AbortController[]>();
  readonly #tails = new Map<string, Promise<unknown>>();

  /** A signal for something new in this scope. What ran there before is called off. */
  begin(scope: string): AbortSignal {
    this.abort(scope);
    return this.#signal(scope);
  }

  /**
   * Calls off whatever the same scope has under way, and runs after it, however late that answers:
   * never two at once. What was called off before its turn came is never begun.
   */
  serial<T, E>(scope: string, run: (signal: AbortSignal) => ResultAsync<T, E>): ResultAsync<T, E | Interruption> {
    return this.#queue(scope, this.begin(scope), run);
  }

  /** Runs after whatever the same scope has under way, and lets that finish. What is begun later calls it off. */
  afterwards<T, E>(scope: string, run: (signal: AbortSignal) => ResultAsync<T, E>): ResultAsync<T, E | Interruption> {
    return this.#queue(scope, this.#signal(scope), run);
  }

  #queue<T, E>(
    scope: string,
    signal: AbortSignal,
    run: (signal: AbortSignal) => ResultAsync<T, E>,
  ): ResultAsync<T, E | Interruption> {
    const before = this.#tails.get(scope) ?? Promise.resolve();
    const turn = async (): Promise<Result<T, E | Interruption>> =>
      signal.aborted ? err({ kind: 'aborted' }) : await guard(() => run(signal));
    const result = before.then(turn);
    this.#tails.set(scope, result);
    // A scope that has come to rest is forgotten, so that names which come and go leave nothing behind.
    void result.then(() => {
      if (this.#tails.get(scope) !== result) return;
      this.#tails.delete(scope);
      this.#aborts.delete(scope);
    });
    return new ResultAsync(result);
  }

  abort(scope: string): void {
    for (const controller of this.#aborts.get(scope) ?? []) controller.abort(CALLED_OFF);
    this.#aborts.delete(scope);
  }

  #signal(scope: string): AbortSignal {
    const controller = new AbortController();
    this.#aborts.set(scope, [...(this.#aborts.get(scope) ?? []), controller]);
    return controller.signal;
  }

  abortAll(): void {
    for (const scope of [...this.#aborts.keys()]) this.abort(scope);
  }
}

/** Foreign code that throws or rejects has a bug; it becomes an ordinary `defect` error here and nowhere else. */
export function guard<T, E>(run: () => ResultAsync<T, E>): ResultAsync<T, E | Defect> {
  const attempt = async (): Promise<Result<T, E | Defect>> => {
    try {
      return await run();
    } catch (cause) {
      return err({ kind: 'defect', cause });
    }
  };
  return new ResultAsync(attempt());
}
