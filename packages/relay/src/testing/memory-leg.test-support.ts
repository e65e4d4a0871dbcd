import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { Endpoint, Leg, LegError } from '../contracts.js';

type Chunk = Uint8Array | null;

/** One end of a connection that is only memory: what one end writes, the other reads. */
export class MemoryLeg implements Leg {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** How this end has let go. */
  left: 'ended' | 'reset' | null = null;
  #peer: MemoryLeg | null = null;
  readonly #inbox: Chunk[] = [];
  #broken: LegError | null = null;
  #wake: () => void = () => undefined;

  private constructor(local: Endpoint, remote: Endpoint) {
    this.local = local;
    this.remote = remote;
  }

  /** Both ends: the one that has connected, and the one that has accepted. */
  static pair(from: Endpoint, to: Endpoint): readonly [MemoryLeg, MemoryLeg] {
    const ends = [new MemoryLeg(from, to), new MemoryLeg(to, from)] as const;
    ends[0].#peer = ends[1];
    ends[1].#peer = ends[0];
    return ends;
  }

  read(signal?: AbortSignal): ResultAsync<Chunk, LegError> {
    return new ResultAsync(this.#read(signal));
  }

  unread(bytes: Uint8Array): void {
    this.#inbox.unshift(bytes.slice());
  }

  write(bytes: Uint8Array): ResultAsync<void, LegError> {
    if (this.#broken !== null) return errAsync(this.#broken);
    if (this.left !== null) return errAsync({ kind: 'closed' });
    this.#peer?.take(bytes.slice());
    return okAsync(undefined);
  }

  end(): void {
    if (this.left !== null) return;
    this.left = 'ended';
    this.#peer?.take(null);
  }

  reset(): void {
    if (this.left === 'reset') return;
    this.left = 'reset';
    this.#break({ kind: 'closed' });
    this.#peer?.breakOff();
  }

  /** Everything that has arrived and not been read; null at the end for a FIN. */
  heard(): readonly Chunk[] {
    return this.#inbox.splice(0);
  }

  /** All bytes that have arrived and not been read. */
  get bytes(): readonly number[] {
    return this.heard().flatMap((chunk) => (chunk === null ? [] : [...chunk]));
  }

  get wasReset(): boolean {
    return this.#broken?.kind === 'reset';
  }

  take(chunk: Chunk): void {
    this.#inbox.push(chunk);
    this.#wake();
  }

  breakOff(): void {
    this.#break({ kind: 'reset' });
  }

  #break(error: LegError): void {
    this.#broken ??= error;
    this.#wake();
  }

  async #read(signal: AbortSignal | undefined): Promise<Result<Chunk, LegError>> {
    for (;;) {
      if (signal?.aborted === true) return err({ kind: 'aborted' });
      const [chunk] = this.#inbox;
      // A FIN stays: whoever reads again is told again.
      if (chunk !== undefined) return ok(chunk === null ? null : (this.#inbox.shift() ?? null));
      if (this.#broken !== null) return err(this.#broken);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}
