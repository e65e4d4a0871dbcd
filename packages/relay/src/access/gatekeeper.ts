import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock, Instant, Millis } from '@hurricane/core';
import { hashOfNobody, isPassword } from './password.js';
import type { Users } from './users-file.js';

/** Wrong passwords in a row from one client before it has to wait. People mistype, programs repeat themselves. */
export const FAILURES_AT_MOST = 5;

/** How long it then is refused unheard, from its latest failure on. */
export const PENALTY: Millis = 30_000;

/** Clients whose failures are remembered, some 100 B each. The one whose failure is oldest gives way. */
const CLIENTS_REMEMBERED = 1_024;

/** Passwords checked at a time: each takes a thread of four for some 50 ms, and 16 MiB. */
const CHECKS_AT_ONCE = 2;

/** Checks that wait for their turn: the last of them some 3 s. What is beyond is refused. */
const CHECKS_WAITING = 128;

export type Verdict = 'accepted' | 'rejected' | 'limited' | 'busy';

interface Failures {
  readonly count: number;
  readonly latest: Instant;
}

/**
 * Knows users by their passwords.
 *
 * A password that was right is remembered as a keyed digest, one for each user, so that only the first connection
 * pays for the slow hash. Nothing that was shown is kept, logged or told.
 */
export class Gatekeeper {
  readonly #clock: Clock;
  readonly #nobody = hashOfNobody();
  readonly #key = randomBytes(32);
  readonly #failures = new Map<string, Failures>();
  readonly #known = new Map<string, Buffer>();
  readonly #waiting: (() => void)[] = [];
  #users: Users;
  #checking = 0;

  constructor(users: Users, clock: Clock) {
    this.#users = users;
    this.#clock = clock;
  }

  /** Takes on another users file. Whoever is connected stays. */
  replace(users: Users): void {
    this.#users = users;
    this.#known.clear();
  }

  /** `client`: its address, as text. */
  async judge(username: Uint8Array, password: Uint8Array, client: string): Promise<Verdict> {
    if (this.#isPenalized(client)) return 'limited';
    const name = Buffer.from(username).toString('latin1');
    const users = this.#users;
    const digest = this.#digest(username, password);
    const known = this.#known.get(name);
    if (known !== undefined && timingSafeEqual(known, digest)) return this.#accept(client);
    if (!(await this.#turn())) return 'busy';
    // Others of this client may have failed while this one waited.
    if (this.#isPenalized(client)) {
      this.#next();
      return 'limited';
    }
    try {
      const hash = users.get(name);
      const right = await isPassword(hash ?? this.#nobody, password);
      if (!right || hash === undefined) return this.#reject(client);
      if (users === this.#users) this.#known.set(name, digest);
      return this.#accept(client);
    } finally {
      this.#next();
    }
  }

  #digest(username: Uint8Array, password: Uint8Array): Buffer {
    // The length in front keeps ("ab", "c") apart from ("a", "bc").
    return createHmac('sha256', this.#key)
      .update(Uint8Array.of(username.length))
      .update(username)
      .update(password)
      .digest();
  }

  #isPenalized(client: string): boolean {
    const failures = this.#failures.get(client);
    if (failures === undefined) return false;
    if (this.#clock.now() - failures.latest >= PENALTY) this.#failures.delete(client);
    return this.#failures.has(client) && failures.count >= FAILURES_AT_MOST;
  }

  #accept(client: string): 'accepted' {
    this.#failures.delete(client);
    return 'accepted';
  }

  #reject(client: string): 'rejected' {
    const count = (this.#failures.get(client)?.count ?? 0) + 1;
    this.#failures.delete(client);
    this.#failures.set(client, { count, latest: this.#clock.now() });
    // A Map keeps the order of insertion: the first is the one that failed longest ago.
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > CLIENTS_REMEMBERED && oldest !== undefined) this.#failures.delete(oldest);
    return 'rejected';
  }

  /** Resolves to whether there is one; then `#next` has to be called. */
  #turn(): Promise<boolean> {
    if (this.#checking < CHECKS_AT_ONCE) {
      this.#checking += 1;
      return Promise.resolve(true);
    }
    if (this.#waiting.length >= CHECKS_WAITING) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(true));
    });
  }

  /** The turn goes to the one that has waited longest. */
  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#checking -= 1;
    else next();
  }
}
