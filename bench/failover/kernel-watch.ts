import type { Running } from '../../test/support/command.js';
import type { Namespace } from '../../test/support/namespace.js';
import { waitFor } from '../../test/support/wait-for.js';
import { lastLinesOf } from './lab.js';

/** Something the kernel has done to links or IPv6 routes. */
export interface KernelEvent {
  /** Milliseconds of the wall clock, with fractions. */
  readonly at: number;
  readonly text: string;
}

/** `[2026-11-28T02:31:17.772244] default dev he-a …`, in local time without a zone. */
const LINE = /^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)\] (.*)$/;

/**
 * What the kernel does in a namespace, from a moment on. `ip monitor` stamps an event when it is woken
 * for it, a little after it took effect.
 */
export class KernelWatch {
  readonly #process: Running;

  static async start(namespace: Namespace): Promise<KernelWatch> {
    const argv = ['ip', '-timestamp', '-tshort', '-o', '-6', 'monitor', 'link', 'route'];
    const watch = new KernelWatch(namespace.spawn(argv, { TZ: 'UTC' }));
    // It does not say when it has begun to listen: a route that comes and goes does.
    await waitFor(
      async () => {
        await namespace.ip6('route add 2001:db8:dead::/64 dev lo', 'route del 2001:db8:dead::/64 dev lo');
        return watch.events().length > 0;
      },
      5_000,
      'ip monitor to report a route',
    );
    return watch;
  }

  private constructor(process: Running) {
    this.#process = process;
  }

  /** The youngest of them. */
  events(): readonly KernelEvent[] {
    return lastLinesOf(this.#process).flatMap(eventOf);
  }

  /** The first event at or after `since` that matches. */
  async sees(pattern: RegExp, since: number, limit = 10_000): Promise<KernelEvent> {
    const look = (): KernelEvent | undefined => this.events().find(({ at, text }) => at >= since && pattern.test(text));
    return waitFor(look, limit, `the kernel to report ${pattern}`);
  }

  stop(): void {
    this.#process.signal('SIGKILL');
  }
}

function eventOf(line: string): readonly KernelEvent[] {
  const [, second, fraction, text] = LINE.exec(line) ?? [];
  return second === undefined || text === undefined
    ? []
    : [{ at: Date.parse(`${second}Z`) + Number(fraction) * 1000, text }];
}
