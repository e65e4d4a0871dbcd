import { fileURLToPath } from 'node:url';
import { HEALTH_DEFAULTS } from '../../packages/core/src/config/defaults.js';
import type { Running } from '../../test/support/command.js';
import { Gatewayd } from '../../test/support/gatewayd.js';
import { Testbed, type TestbedOptions } from '../../test/support/testbed.js';
import { TARGETS } from '../../test/support/topology.js';
import { waitFor } from '../../test/support/wait-for.js';

/** Everything that rows need of the host. */
export const LAB_NEEDS = { root: true, tun: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] } as const;

/** Lends out a test bed, and removes it however `use` ends. */
export async function withBed<T>(options: TestbedOptions, use: (bed: Testbed) => Promise<T>): Promise<T> {
  const bed = await Testbed.create(options);
  try {
    return await use(bed);
  } finally {
    await bed.destroy();
  }
}

/** Runs the daemon in the bed's client while `use` does; its log is JSON, and leaves nothing out. */
export async function withGatewayd<T>(
  bed: Testbed,
  configuration: string,
  use: (gatewayd: Gatewayd) => Promise<T>,
): Promise<T> {
  const gatewayd = await Gatewayd.start(bed, configuration, ['-d', '--log-format', 'json']);
  try {
    return await use(gatewayd);
  } finally {
    await gatewayd.end();
  }
}

/** A UDP echo on the first target; resolves to its port. It ends with the bed. */
export async function startEcho(bed: Testbed): Promise<string> {
  const echo = bed.internet.spawn([process.execPath, support('echo-server.mjs'), TARGETS[0]]);
  return (await echo.says(/listening on port (\d+)/))[1] ?? '';
}

/** A new flow that came back. */
export interface Echo {
  /** Milliseconds of the wall clock. */
  readonly sentAt: number;
  readonly rtt: number;
  readonly source: string;
}

/** New flows, one after the other, and which of them came back. */
export class Beacon {
  readonly #process: Running;

  /** Begins; resolves once flows come back. `every` is the resolution of what is seen. */
  static async start(bed: Testbed, port: string, every: number): Promise<Beacon> {
    const script = fileURLToPath(new URL('beacon.mjs', import.meta.url));
    const beacon = new Beacon(bed.client.spawn([process.execPath, script, TARGETS[0], port, `${every}`]));
    await waitFor(() => beacon.echoes().length >= 20, 5_000, 'new flows to come back');
    return beacon;
  }

  private constructor(process: Running) {
    this.#process = process;
  }

  echoes(): readonly Echo[] {
    const lines = this.#process.output.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Echo);
  }

  /** The first flow that left from `source` and came back, and the last one before it that left from elsewhere. */
  async switchTo(source: string, limit = 10_000): Promise<{ readonly lastBefore: number; readonly first: number }> {
    const moved = (echo: Echo): boolean => echo.source === source;
    await waitFor(() => this.echoes().some(moved), limit, `a new flow from ${source}`);
    const inOrder = [...this.echoes()].sort((a, b) => a.sentAt - b.sentAt);
    const at = inOrder.findIndex(moved);
    return { lastBefore: inOrder[at - 1]?.sentAt ?? Number.NaN, first: inOrder[at]?.sentAt ?? Number.NaN };
  }

  stop(): void {
    this.#process.signal('SIGKILL');
  }
}

/** More than a round's worth of lines. */
const TAIL = 65_536;

/** The whole lines at the end of what a program has written: all of it is much to read again and again. */
export function lastLinesOf({ output }: Running): readonly string[] {
  const lines = output.slice(-TAIL).split('\n');
  return lines.slice(output.length > TAIL ? 1 : 0, -1);
}

/** The path of a program of `test/support`. */
export function support(name: string): string {
  return fileURLToPath(new URL(`../../test/support/${name}`, import.meta.url));
}

/** Spreads rounds over the cycle of regular probes, so that no phase of it is favoured. */
export const phaseOf = (round: number): number => (round * 37) % HEALTH_DEFAULTS.interval;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
