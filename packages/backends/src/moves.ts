import type { Millis } from '@hurricane/core';

/** Moves of a tunnel's rules within {@link MOVE_WINDOW}: two programs must not chase each other. */
export const MOVES_AT_MOST = 5;
export const MOVE_WINDOW: Millis = 60_000;

/** Counts moves of rules, tunnel by tunnel. */
export class Moves {
  readonly #now: () => Millis;
  readonly #at = new Map<string, readonly Millis[]>();

  constructor(now: () => Millis) {
    this.#now = now;
  }

  isSpent(iface: string): boolean {
    return this.#recent(iface).length >= MOVES_AT_MOST;
  }

  note(iface: string): void {
    this.#at.set(iface, [...this.#recent(iface), this.#now()]);
  }

  forget(iface: string): void {
    this.#at.delete(iface);
  }

  #recent(iface: string): readonly Millis[] {
    return (this.#at.get(iface) ?? []).filter((at) => this.#now() - at < MOVE_WINDOW);
  }
}
