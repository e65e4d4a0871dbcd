import { OPENING_AT_MOST, OPENING_OF_CLIENT_AT_MOST } from './settings.js';

/** Counts those who have not come to a flow yet. */
export class Opening {
  readonly #ofClient = new Map<string, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Null when there is no room; else what gives the place back, once. */
  enter(client: string): (() => void) | null {
    const own = this.#ofClient.get(client) ?? 0;
    if (this.#size >= OPENING_AT_MOST || own >= OPENING_OF_CLIENT_AT_MOST) return null;
    this.#size += 1;
    this.#ofClient.set(client, own + 1);
    let inside = true;
    return () => {
      if (inside) this.#leave(client);
      inside = false;
    };
  }

  #leave(client: string): void {
    this.#size -= 1;
    const left = (this.#ofClient.get(client) ?? 1) - 1;
    if (left === 0) this.#ofClient.delete(client);
    else this.#ofClient.set(client, left);
  }
}
