import type { Running } from './command.js';
import type { Testbed } from './testbed.js';
import { TARGETS } from './topology.js';

/** What one end of the stream saw (tcp-stream.mjs); times in milliseconds. */
export interface StreamEnd {
  readonly sent: number;
  readonly received: number;
  /** The first byte that was not the next one; null when all were in order. */
  readonly firstWrong: number | null;
  /** The longest time in which nothing arrived, and when it began, counted from the connection's start. */
  readonly longestGap: number;
  readonly gapAt: number;
  readonly error: string | null;
}

const script = new URL('./tcp-stream.mjs', import.meta.url).pathname;

/** One TCP connection from the client namespace to the internet, with numbered bytes both ways. */
export class TcpStream {
  /** The client's address of it. */
  readonly from: string;
  readonly #client: Running;
  readonly #server: Running;

  private constructor(client: Running, server: Running, from: string) {
    this.#client = client;
    this.#server = server;
    this.from = from;
  }

  /** Resolves once it is connected: by the route of the moment, or from the address `from`. */
  static async open(bed: Testbed, from?: string): Promise<TcpStream> {
    const server = bed.internet.spawn([process.execPath, script, 'serve', TARGETS[0]]);
    const port = (await server.says(/listening on port (\d+)/))[1] ?? '';
    const local = from === undefined ? [] : [from];
    const client = bed.client.spawn([process.execPath, script, 'connect', TARGETS[0], port, ...local]);
    const connected = await client.says(/connected from (\S+)/);
    return new TcpStream(client, server, connected[1] ?? '');
  }

  /** Ends it in order: what is on its way arrives first. */
  async close(): Promise<{ readonly client: StreamEnd; readonly server: StreamEnd }> {
    this.#client.signal('SIGTERM');
    const [client, server] = await Promise.all(
      [this.#client, this.#server].map(async (end) => JSON.parse((await end.says(/\{.*\}/))[0]) as StreamEnd),
    );
    await Promise.all([this.#client.end(), this.#server.end()]);
    return { client: client as StreamEnd, server: server as StreamEnd };
  }
}
