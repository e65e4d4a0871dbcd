import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { Endpoint, Leg, LegError } from '../contracts.js';
import type { Signal } from '../signal.js';
import type { Host } from './host.js';

type Written = (outcome: Result<void, LegError>) => void;

/** A leg whose descriptor the loop owns: it asks for bytes one piece at a time. */
export class NativeLeg implements Leg {
  readonly id: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #host: Host;
  readonly #letGo: (leg: NativeLeg) => void;
  /** What was put back, and before that what came in answer to a read that nobody waits for any more. */
  #inbox: Uint8Array[] = [];
  #isAsking = false;
  #hasEnded = false;
  #isEnding = false;
  #fault: LegError | null = null;
  #writes: Written[] = [];
  readonly #waiting = new Set<() => void>();

  /** @param letGo called once, when the leg is nobody's any more. */
  constructor(id: number, ends: Pick<Leg, 'local' | 'remote'>, host: Host, letGo: (leg: NativeLeg) => void) {
    this.id = id;
    this.local = ends.local;
    this.remote = ends.remote;
    this.#host = host;
    this.#letGo = letGo;
  }

  /** Why it came to its end, if it did. */
  get fault(): LegError | null {
    return this.#fault;
  }

  read(signal?: Signal): ResultAsync<Uint8Array | null, LegError> {
    const first = this.#inbox.shift();
    return first === undefined ? new ResultAsync(this.#next(signal)) : okAsync(first);
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#inbox.unshift(bytes);
  }

  write(bytes: Uint8Array): ResultAsync<void, LegError> {
    if (this.#fault !== null) return errAsync(this.#fault);
    // A copy: whoever wrote may use the memory again, and a view would take all that lies around it along.
    this.#host.post({ kind: 'write', id: this.id, bytes: new Uint8Array(bytes) });
    return new ResultAsync(new Promise((resolve) => this.#writes.push(resolve)));
  }

  end(): void {
    this.#isEnding = this.#fault === null;
    this.#leave('end');
  }

  /** Also of one that was ended, and waits for the other side's FIN. */
  reset(): void {
    if (this.#isEnding) this.#host.post({ kind: 'reset', id: this.id });
    this.#isEnding = false;
    this.#leave('reset');
  }

  /** The loop reads it by itself from here on. Resolves to what has been read and not been used. */
  async handOver(): Promise<readonly Uint8Array[]> {
    if (this.#isAsking) this.#host.post({ kind: 'stop_reading', id: this.id });
    while (this.#isAsking && this.#fault === null) await this.#stirred();
    return this.#inbox.splice(0).map((bytes) => new Uint8Array(bytes));
  }

  /** It has been joined, and is nobody's leg any more. */
  handedOver(): void {
    this.#finish({ kind: 'closed' }, ok(undefined));
  }

  /** The answer to a read; null: the other side's FIN. */
  brought(bytes: Uint8Array | null): void {
    if (bytes === null) this.#hasEnded = true;
    else this.#inbox.push(bytes);
    this.stopped();
  }

  /** A read will not be answered. */
  stopped(): void {
    this.#isAsking = false;
    this.#stir();
  }

  /** So many writes have reached the kernel. */
  wrote(count: number): void {
    for (const written of this.#writes.splice(0, count)) written(ok(undefined));
  }

  /** The loop has given its descriptor back. */
  broke(fault: LegError): void {
    this.#finish(fault, err(fault));
  }

  #leave(how: 'end' | 'reset'): void {
    if (this.#fault !== null) return;
    this.#host.post({ kind: how, id: this.id });
    // What was written before an end is still sent.
    this.#finish({ kind: 'closed' }, how === 'end' ? ok(undefined) : err({ kind: 'closed' }));
  }

  #finish(fault: LegError, writes: Result<void, LegError>): void {
    if (this.#fault !== null) return;
    this.#fault = fault;
    for (const written of this.#writes.splice(0)) written(writes);
    this.#stir();
    this.#letGo(this);
  }

  async #next(signal: Signal | undefined): Promise<Result<Uint8Array | null, LegError>> {
    for (;;) {
      const chunk = this.#inbox.shift();
      if (chunk !== undefined) return ok(chunk);
      if (this.#hasEnded) return ok(null);
      if (this.#fault !== null) return err(this.#fault);
      if (signal?.aborted === true) return err({ kind: 'aborted' });
      if (!this.#isAsking) this.#host.post({ kind: 'read', id: this.id });
      this.#isAsking = true;
      await this.#stirred(signal);
    }
  }

  #stir(): void {
    for (const waiting of [...this.#waiting]) waiting();
  }

  /** Resolves when there may be something new to read, or nothing ever again. */
  #stirred(signal?: Signal): Promise<void> {
    return new Promise((resolve) => {
      const stir = (): void => {
        this.#waiting.delete(stir);
        signal?.removeEventListener('abort', stir);
        resolve();
      };
      this.#waiting.add(stir);
      signal?.addEventListener('abort', stir);
    });
  }
}

export function ownLeg(leg: Leg): NativeLeg {
  if (leg instanceof NativeLeg) return leg;
  throw new Error('a leg of another engine was given to the native engine');
}
