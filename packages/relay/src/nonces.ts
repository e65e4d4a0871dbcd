import { randomBytes } from 'node:crypto';
import { NONCE_GRACE, PROBES_AT_MOST } from './limits.js';

/** Bytes of a nonce: 2^128 cannot be guessed. */
const NONCE_BYTES = 16;

/** A nonce that is on its way. */
export interface Expected {
  readonly bytes: Uint8Array;
  /** Resolves when it has arrived; never, if it does not. */
  readonly arrived: Promise<void>;
  /** It matters no more; it is recognised a little longer. */
  forget(): void;
}

/** What probes of ours have sent and our own listeners have to recognise, so that no program sees it. */
export class Nonces {
  readonly #expected = new Map<string, { readonly from: string; readonly arrive: () => void }>();
  readonly #listeners = new Set<() => void>();

  /** Null when there are enough under way. `from`: the address it is sent from. */
  expect(from: string): Expected | null {
    if (this.#expected.size >= PROBES_AT_MOST) return null;
    const bytes = randomBytes(NONCE_BYTES);
    const key = bytes.toString('latin1');
    let arrive = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    this.#expected.set(key, { from, arrive });
    this.#tell();
    const gone = (): void => {
      this.#expected.delete(key);
      this.#tell();
    };
    const forget = (): void => void setTimeout(gone, NONCE_GRACE).unref();
    return { bytes, arrived, forget };
  }

  /** Whether one may come from that address: looking at what arrives costs nothing otherwise. */
  mayComeFrom(address: string): boolean {
    if (this.#expected.size === 0) return false;
    return [...this.#expected.values()].some(({ from }) => from === address);
  }

  /** Where one may come from. */
  sources(): readonly string[] {
    return [...new Set([...this.#expected.values()].map(({ from }) => from))];
  }

  /** Called after every change of `sources()`, and sometimes without one. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether these bytes are one of them. */
  takes(bytes: Uint8Array): boolean {
    if (bytes.length !== NONCE_BYTES) return false;
    const found = this.#expected.get(Buffer.from(bytes).toString('latin1'));
    found?.arrive();
    return found !== undefined;
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
