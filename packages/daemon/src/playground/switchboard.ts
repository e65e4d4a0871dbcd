import type { Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { PlaygroundError } from './problems.js';
import { uptime } from './reports.js';
import type { Stage } from './stage.js';
import { PROVIDER_NAMES } from './topology.js';

/** What was last done to a provider. */
export interface Deed {
  readonly what: 'cut' | 'restored';
  readonly provider: string;
  /** By the clock of `uptime`, read before it was done: times counted from here are never too short. */
  readonly at: Millis;
}

/** Cuts and restores providers on behalf of keys, commands and the demonstration, one at a time. */
export class Switchboard {
  readonly #stage: Pick<Stage, 'cut' | 'restore'>;
  readonly #onDeed: (deed: Deed) => void;
  readonly #cut = new Set<string>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(stage: Pick<Stage, 'cut' | 'restore'>, onDeed: (deed: Deed) => void) {
    this.#stage = stage;
    this.#onDeed = onDeed;
  }

  /** Safe to repeat. */
  cut(provider: string): ResultAsync<void, PlaygroundError> {
    return this.#serial(provider, () => this.#set(provider, true));
  }

  /** Safe to repeat. */
  restore(provider: string): ResultAsync<void, PlaygroundError> {
    return this.#serial(provider, () => this.#set(provider, false));
  }

  /** Cuts it, or restores it if it is cut. */
  toggle(provider: string): ResultAsync<void, PlaygroundError> {
    return this.#serial(provider, () => this.#set(provider, !this.#cut.has(provider)));
  }

  async #set(provider: string, cut: boolean): Promise<Result<void, PlaygroundError>> {
    if (this.#cut.has(provider) === cut) return ok(undefined);
    const at = uptime();
    const done = await (cut ? this.#stage.cut(provider) : this.#stage.restore(provider));
    if (done.isErr()) return done;
    if (cut) this.#cut.add(provider);
    else this.#cut.delete(provider);
    this.#onDeed({ what: cut ? 'cut' : 'restored', provider, at });
    return ok(undefined);
  }

  #serial(provider: string, act: () => Promise<Result<void, PlaygroundError>>): ResultAsync<void, PlaygroundError> {
    if (!PROVIDER_NAMES.includes(provider)) {
      return new ResultAsync(Promise.resolve(err({ kind: 'unknown_provider', name: provider, known: PROVIDER_NAMES })));
    }
    const done = this.#tail.then(act);
    this.#tail = done;
    return new ResultAsync(done);
  }
}
