import type { Gatewayd } from '../../test/support/gatewayd.js';
import { waitFor } from '../../test/support/wait-for.js';
import { jsonLines } from './lab.js';

/** One line of the daemon's log. */
export interface Entry {
  /** Milliseconds of the wall clock, as the daemon wrote them. */
  readonly at: number;
  readonly text: string;
}

/** The daemon's log from a moment on. */
export class Journal {
  readonly #gatewayd: Gatewayd;
  readonly #from: number;

  /** Unless `from` says otherwise, from here on. */
  constructor(gatewayd: Gatewayd, from = gatewayd.process.output.length) {
    this.#gatewayd = gatewayd;
    this.#from = from;
  }

  entries(): readonly Entry[] {
    const lines = jsonLines<{ readonly time: string; readonly msg: string }>(
      this.#gatewayd.process.output.slice(this.#from),
    );
    return lines.map(({ time, msg }) => ({ at: Date.parse(time), text: msg }));
  }

  /** Waits until it says so, and resolves to when it did. */
  async says(pattern: RegExp, limit = 10_000): Promise<number> {
    const look = (): Entry | undefined => this.entries().find(({ text }) => pattern.test(text));
    return (await waitFor(look, limit, `the daemon to say ${pattern}`)).at;
  }
}
