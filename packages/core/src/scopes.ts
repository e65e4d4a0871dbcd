import { err, type Result, ResultAsync } from 'neverthrow';

export type Defect = { readonly kind: 'defect'; readonly cause: unknown };

/** What is under way, by scope: so that it can be called off, and so that it never overlaps itself. */
export class Scopes {
  readonly #aborts = new Map<string, AbortController>();
  readonly #tails = new Map<string, Promise<unknown>>();

  /** A signal for something new in this scope. What ran there before is called off. */
  begin(scope: string): AbortSignal {
    this.abort(scope);
    return this.#fresh(scope);
  }

  /** Runs after whatever the same scope has under way, however late that answers: never two at once. */
  serial<T, E>(scope: string, run: (signal: AbortSignal) => ResultAsync<T, E>): ResultAsync<T, E | Defect> {
    const before = this.#tails.get(scope) ?? Promise.resolve();
    const signal = this.#fresh(scope);
    const result = before.then(() => guard(() => run(signal)));
    this.#tails.set(scope, result);
    // A scope that has come to rest is forgotten, so that names which come and go leave nothing behind.
    void result.then(() => {
      if (this.#tails.get(scope) === result) this.#tails.delete(scope);
    });
    return new ResultAsync(result);
  }

  abort(scope: string): void {
    this.#aborts.get(scope)?.abort();
    this.#aborts.delete(scope);
  }

  abortAll(): void {
    for (const scope of [...this.#aborts.keys()]) this.abort(scope);
  }

  #fresh(scope: string): AbortSignal {
    const controller = new AbortController();
    this.#aborts.set(scope, controller);
    return controller.signal;
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
