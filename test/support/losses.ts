import type { Millis } from '@hurricane/core';
import type { Running } from './command.js';
import type { Namespace } from './namespace.js';
import { waitFor } from './wait-for.js';

/** How long rules and routes were missing, by the clock of the program that heard the kernel say so. */
export interface Loss {
  /** How many of them. */
  readonly lost: number;
  /** From the first that went to the last that came back. */
  readonly lasted: Millis;
}

const LINE = /^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(\d{3})\] (\[(?:RULE|ROUTE)\])(Deleted )?(.*)$/;

/**
 * Hears of every IPv6 rule and route of ours that goes and comes in a namespace. Looking again and again
 * would take more of the machine than the repair that is measured.
 */
export class Losses {
  readonly #monitor: Running;
  #read = 0;

  private constructor(monitor: Running) {
    this.#monitor = monitor;
  }

  static async watch(space: Namespace): Promise<Losses> {
    const monitor = space.spawn(['ip', '-6', '-o', '-ts', 'monitor', 'label', 'rule', 'route']);
    // Deaf until it has subscribed: asked until it answers.
    const probe = ['rule', 'add', 'pref', '1', 'unreachable', 'fwmark', '0x1'];
    await waitFor(
      async () => {
        await space.exec(['ip', '-6', ...probe]);
        await space.exec(['ip', '-6', ...probe.map((word) => (word === 'add' ? 'del' : word))]);
        return monitor.output !== '';
      },
      5_000,
      'ip monitor to hear of a rule',
    );
    return new Losses(monitor);
  }

  /** Forgets what has been heard so far. */
  forget(): void {
    this.#read = this.#monitor.output.length;
  }

  /** Waits until at least `count` have gone and all of them are back as they were. */
  async mended(count: number, limit: Millis): Promise<Loss> {
    const heard = (): Loss | null => {
      const loss = lossIn(this.#monitor.output.slice(this.#read));
      return loss !== null && loss.lost >= count ? loss : null;
    };
    return waitFor(heard, limit, `${count} rules and routes to be back`).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.#monitor.output.slice(this.#read)}`);
    });
  }

  async stop(): Promise<void> {
    await this.#monitor.stop();
  }
}

/** Null while something of what there was at first is missing. What comes and goes besides does not count. */
function lossIn(output: string): Loss | null {
  const strangers = new Set<string>();
  const missing = new Set<string>();
  let [lost, first, last] = [0, Number.NaN, Number.NaN];
  for (const line of output.split('\n')) {
    const [, date = '', micros = '', kind = '', deleted, what = ''] = LINE.exec(line) ?? [];
    if (!what.includes('proto 206')) continue;
    const at = Date.parse(`${date}Z`) + Number(micros) / 1_000;
    // Which default route stands before which is for the gateway to decide, also in the meantime.
    const key = kind + what.replace(/ metric \d+/, '');
    if (deleted === undefined) {
      if (missing.delete(key)) last = at;
      else strangers.add(key);
    } else if (!strangers.delete(key)) {
      missing.add(key);
      lost += 1;
      if (Number.isNaN(first)) first = at;
    }
  }
  return lost > 0 && missing.size === 0 ? { lost, lasted: last - first } : null;
}
