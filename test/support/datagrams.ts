import type { Running } from './command.js';
import type { Testbed } from './testbed.js';
import { TARGETS } from './topology.js';

export interface DatagramCount {
  readonly sent: number;
  /** Of those sent, how many the echo server's answer did not come back for. */
  readonly lost: number;
  /** How many the kernel did not take, by error code. */
  readonly errors: Readonly<Record<string, number>>;
}

const script = (name: string): string => new URL(`./${name}`, import.meta.url).pathname;

/** Numbered datagrams from the client namespace to the internet and back, at an even rate, from one socket. */
export class Datagrams {
  readonly #sender: Running;
  readonly #echo: Running;

  private constructor(sender: Running, echo: Running) {
    this.#sender = sender;
    this.#echo = echo;
  }

  /** By the route of the moment, or from the address `from`. */
  static async start(bed: Testbed, perSecond: number, from?: string): Promise<Datagrams> {
    const echo = bed.internet.spawn([process.execPath, script('echo-server.mjs'), TARGETS[0]]);
    const port = (await echo.says(/listening on port (\d+)/))[1] ?? '';
    const local = from === undefined ? [] : [from];
    const argv = [process.execPath, script('datagrams.mjs'), TARGETS[0], port, `${perSecond}`, ...local];
    const sender = bed.client.spawn(argv);
    await sender.says(/sending/);
    return new Datagrams(sender, echo);
  }

  async stop(): Promise<DatagramCount> {
    this.#sender.signal('SIGTERM');
    const count = JSON.parse((await this.#sender.says(/\{.*\}/))[0]) as DatagramCount;
    this.#echo.signal('SIGKILL');
    await Promise.all([this.#echo.end(), this.#sender.end()]);
    return count;
  }
}
