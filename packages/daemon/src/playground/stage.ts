import type { TunnelsView } from '@hurricane/core';
import type { ResultAsync } from 'neverthrow';
import type { PlaygroundError } from './problems.js';
import type { Report } from './reports.js';

/** A gateway between two providers that can be made to fail, on real packets or in a simulated world. */
export interface Stage {
  readonly kind: 'real' | 'simulated';
  /** Sentences about what was made, for the start screen. */
  readonly notes: readonly string[];
  /** `http://127.0.0.1:8642` */
  readonly url: string;
  readonly configuration: string;
  /** The namespace that the gateway runs in; null in a simulated world. */
  readonly namespace: string | null;
  cut(provider: string): ResultAsync<void, PlaygroundError>;
  restore(provider: string): ResultAsync<void, PlaygroundError>;
  tunnels(): ResultAsync<TunnelsView, PlaygroundError>;
  /** Calls `listener` for each report from now on, and for those kept since the start. */
  listen(listener: (report: Report) => void): void;
  /** Resolves when it can go on no more, by itself; never after `close`. */
  readonly failure: Promise<PlaygroundError>;
  /** Ends the gateway and gives the network back. What it leaves is for `removePlayground`. */
  close(): Promise<void>;
}

/** Reports kept for a listener that is not there yet. */
const KEPT = 200;

/** Passes reports on, and keeps the first ones until somebody listens. */
export class Reports {
  #kept: readonly Report[] = [];
  #listener: ((report: Report) => void) | null = null;

  add(report: Report): void {
    if (this.#listener !== null) this.#listener(report);
    else this.#kept = [...this.#kept, report].slice(0, KEPT);
  }

  listen(listener: (report: Report) => void): void {
    for (const report of this.#kept) listener(report);
    this.#kept = [];
    this.#listener = listener;
  }
}
