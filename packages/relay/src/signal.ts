/**
 * Whether something has been called off, and who is to be told. An `AbortSignal` has all of it.
 */
export interface Signal<Reason = unknown> {
  readonly aborted: boolean;
  /** What `abort` was given, once it was called. */
  readonly reason: Reason;
  /** Told once, and not at all when it has been aborted before. */
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * Calls off what runs under it, as an `AbortController` does, and is its own signal.
 *
 * Every connection through the SOCKS5 proxy takes eight of them. An `AbortController` makes an event target for each
 * signal, and an error with a stack whenever it aborts, which most do when their work is done.
 */
export class CallOff<Reason = unknown> implements Signal<Reason> {
  /** Null: nobody is to be told. */
  #listeners: (() => void)[] | null = null;
  #aborted = false;
  #reason: Reason | undefined = undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): Reason {
    return this.#reason as Reason;
  }

  get signal(): Signal<Reason> {
    return this;
  }

  /** Tells everybody before it returns. Once is enough. */
  abort(reason?: Reason): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    // One of those who are told may take another off the list, who is not told then.
    while (this.#listeners !== null) this.#next(this.#listeners)();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#aborted) return;
    if (this.#listeners === null) this.#listeners = [listener];
    else if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const left = this.#listeners?.filter((each) => each !== listener) ?? [];
    this.#listeners = left.length === 0 ? null : left;
  }

  #next(listeners: (() => void)[]): () => void {
    const [first = () => {}] = listeners.splice(0, 1);
    if (listeners.length === 0) this.#listeners = null;
    return first;
  }
}
