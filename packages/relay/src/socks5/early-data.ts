import type { Leg } from '../contracts.js';
import { CallOff, type Signal } from '../signal.js';
import { EARLY_DATA_AT_MOST } from './settings.js';

/**
 * Listens to a client while it waits: keeps what it sends, and notices when it goes.
 *
 * A client that has sent its FIN is still there: it may have said all it has to say.
 */
export class EarlyData {
  readonly #leg: Leg;
  readonly #chunks: Uint8Array[];
  readonly #stop = new CallOff();
  readonly #gone = new CallOff();
  readonly #done: Promise<void>;

  constructor(leg: Leg, rest: Uint8Array) {
    this.#leg = leg;
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#done = this.#listen();
  }

  /** Aborted once the client has gone. */
  get gone(): Signal {
    return this.#gone.signal;
  }

  /** Stops listening, and puts everything back in front of what is read next. */
  async putBack(): Promise<void> {
    await this.#end();
    if (this.#chunks.length > 0) this.#leg.unread(Buffer.concat(this.#chunks));
  }

  /** Stops listening; what was heard is dropped. */
  async drop(): Promise<void> {
    await this.#end();
  }

  #end(): Promise<void> {
    this.#stop.abort();
    return this.#done;
  }

  async #listen(): Promise<void> {
    let held = this.#chunks[0]?.length ?? 0;
    while (held < EARLY_DATA_AT_MOST && !this.#stop.signal.aborted) {
      const bytes = await this.#leg.read(this.#stop.signal);
      if (bytes.isErr()) {
        // `closed`: it is we who have ended it, and what we said last is still on its way.
        if (bytes.error.kind !== 'aborted' && bytes.error.kind !== 'closed') this.#gone.abort();
        return;
      }
      if (bytes.value === null) return;
      // An engine may use its buffer again.
      this.#chunks.push(bytes.value.slice());
      held += bytes.value.length;
    }
  }
}
