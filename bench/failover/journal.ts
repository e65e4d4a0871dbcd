import type { Gatewayd } from '../../test/support/gatewayd.js';
import { waitFor } from '../../test/support/wait-for.js';
import { lastLinesOf } from './lab.js';

/** One line of the daemon's log. */
export interface Entry {
  /** Milliseconds of the wall clock, as the daemon wrote them. */
  readonly at: number;
  readonly text: string;
}

/** The end of the daemon's log, from a moment on. */
export class Journal {
  readonly #gatewayd: Gatewayd;
  readonly #from: number;

  /** `from`: milliseconds of the wall clock. */
  constructor(gatewayd: Gatewayd, from: number = Date.now()) {
    this.#gatewayd = gatewayd;
    this.#from = from;
  }

  entries(): readonly Entry[] {
    const lines = lastLinesOf(this.#gatewayd.process).filter((line) => line.startsWith('{'));
    return lines
      .map((line) => JSON.parse(line) as { readonly time: string; readonly msg: string })
      .map(({ time, msg }) => ({ at: Date.parse(time), text: msg }))
      .filter(({ at }) => at >= this.#from);
  }

  /** Waits until it says so, and resolves to when it did. */
  async says(pattern: RegExp, limit = 10_000): Promise<number> {
    const look = (): Entry | undefined => this.entries().find(({ text }) => pattern.test(text));
    const found = await waitFor(look, limit, `the daemon to say ${pattern}`).catch((error: unknown) => {
      const said = this.entries().map(({ at, text }) => `  ${new Date(at).toISOString()} ${text}`);
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${said.join('\n')}`);
    });
    return found.at;
  }
}
