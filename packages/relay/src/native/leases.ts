import type { Batch } from './batch.js';
import { LEASE, LEASES_AT_MOST } from './native-limits.js';
import { familyOf } from './socket-address.js';
import { AF_INET6 } from './sys.js';

/** What a client may send without being heard: with this header, to there, until then. */
export interface Lease {
  readonly number: number;
  readonly header: Uint8Array;
  readonly to: Uint8Array;
  readonly isV6: boolean;
  /** In the loop's milliseconds, as `usedAt` is. */
  until: number;
  usedAt: number;
  /** It was told that it ends before long. */
  isTold: boolean;
}

/** The destinations that one client has been allowed; the one unused for longest gives way. */
export class Leases {
  readonly #byHeader = new Map<string, Lease>();
  readonly #byNumber = new Map<number, Lease>();
  /** The one that was used last: most clients send to one place at a time. */
  #last: Lease | null = null;
  #lastNumber = 0;
  #due: Lease[] = [];

  get size(): number {
    return this.#byHeader.size;
  }

  /** The one that holds for the datagram in that slot. */
  find(batch: Batch, i: number, now: number): Lease | null {
    const lease = this.#last !== null && batch.beginsWith(i, this.#last.header) ? this.#last : this.#lookUp(batch, i);
    if (lease === null || now >= lease.until) return null;
    this.#last = lease;
    lease.usedAt = now;
    if (!lease.isTold && now >= lease.until - LEASE / 2) {
      lease.isTold = true;
      this.#due.push(lease);
    }
    return lease;
  }

  grant(header: Uint8Array, to: Uint8Array, now: number): void {
    const key = keyOf(header);
    const before = this.#byHeader.get(key);
    if (before !== undefined) this.#drop(key, before);
    else if (this.#byHeader.size >= LEASES_AT_MOST) this.#makeRoom();
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    const isV6 = familyOf(to) === AF_INET6;
    // What it was cut from has the payload as well.
    const own = { header: header.slice(), to, isV6 };
    const lease: Lease = { number, ...own, until: now + LEASE, usedAt: now, isTold: false };
    this.#byHeader.set(key, lease);
    this.#byNumber.set(number, lease);
  }

  /** Those that end before long, and were used since they began to. Each is told once. */
  takeDue(): readonly Lease[] {
    if (this.#due.length === 0) return this.#due;
    const due = this.#due;
    this.#due = [];
    return due;
  }

  renew(numbers: readonly number[], now: number): void {
    for (const number of numbers) {
      const lease = this.#byNumber.get(number);
      // What has ended is heard first, and others wait for that by now.
      if (lease === undefined || now >= lease.until) continue;
      lease.until = now + LEASE;
      lease.isTold = false;
    }
  }

  /** Forgets those that hold no more. */
  look(now: number): void {
    for (const [key, lease] of this.#byHeader) if (now >= lease.until) this.#drop(key, lease);
  }

  clear(): void {
    this.#byHeader.clear();
    this.#byNumber.clear();
    this.#last = null;
    this.#due = [];
  }

  #lookUp(batch: Batch, i: number): Lease | null {
    const length = batch.headerOf(i);
    return length === 0 ? null : (this.#byHeader.get(batch.textOf(i, length)) ?? null);
  }

  #makeRoom(): void {
    let oldest: readonly [string, Lease] | null = null;
    for (const entry of this.#byHeader) if (oldest === null || entry[1].usedAt < oldest[1].usedAt) oldest = entry;
    if (oldest !== null) this.#drop(...oldest);
  }

  #drop(key: string, lease: Lease): void {
    this.#byHeader.delete(key);
    this.#byNumber.delete(lease.number);
    if (this.#last === lease) this.#last = null;
  }
}

/** As `Batch.textOf` has it. */
function keyOf(header: Uint8Array): string {
  return Buffer.from(header.buffer, header.byteOffset, header.length).toString('latin1');
}
