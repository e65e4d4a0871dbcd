/** Slots of a table that has held nothing yet; a power of two. */
const SLOTS = 256;

/** Odd, so that numbers given one after the other have each a slot of their own until it turns over. */
const SPREAD = 0x9e37_79b1;

/**
 * What has a number that is not 0, and comes and goes all the time.
 *
 * A Map would do, but for what V8 (of Node 20 to 24) makes of it: a Map that has been added to and deleted from for a
 * while moves on to a fresh table, and the one before keeps hold of it and of all that was in it then. Once the first
 * of them has grown old, whole chains of tables, and every connection that ever was in one, are copied by each small
 * collection until a large one: some 8 % of what a short connection through the SOCKS5 proxy took.
 */
export class Table<T> {
  #keys: number[] = emptied(SLOTS, 0);
  #values: (T | undefined)[] = emptied(SLOTS, undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): T | undefined {
    return this.#values[this.#slotOf(key)];
  }

  set(key: number, value: T): void {
    // Linear probing takes longer and longer ways above that.
    if (2 * this.#size >= this.#keys.length) this.#grow();
    const slot = this.#slotOf(key);
    if (this.#keys[slot] === 0) this.#size += 1;
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  delete(key: number): void {
    let hole = this.#slotOf(key);
    if (this.#keys[hole] === 0) return;
    this.#size -= 1;
    const mask = this.#keys.length - 1;
    // Those behind move up, where that brings them no further from their own slot than they may be.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const next = this.#keys[slot] ?? 0;
      if (next === 0) break;
      if (((slot - this.#homeOf(next)) & mask) < ((slot - hole) & mask)) continue;
      this.#keys[hole] = next;
      this.#values[hole] = this.#values[slot];
      hole = slot;
    }
    this.#keys[hole] = 0;
    this.#values[hole] = undefined;
  }

  /** All there is at this moment, in no particular order. */
  values(): readonly T[] {
    return this.#values.filter((value) => value !== undefined);
  }

  /** Where a key is, or would be put. */
  #slotOf(key: number): number {
    const mask = this.#keys.length - 1;
    let slot = this.#homeOf(key);
    while (this.#keys[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #homeOf(key: number): number {
    return Math.imul(key, SPREAD) & (this.#keys.length - 1);
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = emptied(2 * keys.length, 0);
    this.#values = emptied(2 * keys.length, undefined);
    for (const [i, key] of keys.entries()) {
      if (key === 0) continue;
      const slot = this.#slotOf(key);
      this.#keys[slot] = key;
      this.#values[slot] = values[i];
    }
  }
}

function emptied<T>(length: number, value: T): T[] {
  return new Array<T>(length).fill(value);
}
