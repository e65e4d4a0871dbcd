import { buildTestbed, type Parts, raiseUserTunnel } from './build-testbed.js';
import type { Running } from './command.js';
import type { Namespace } from './namespace.js';
import { removeNamespaces } from './namespace-names.js';
import { BLACK_HOLE, NO_BLACK_HOLE } from './pop-rules.js';
import { snapshotOf } from './snapshot.js';
import { CLIENT_V4, type Pop } from './topology.js';

export interface TestbedOptions {
  /** 1 to 8; 2 unless told. */
  readonly pops?: number;
  /**
   * The client has an Ethernet link to each PoP (`extA` to `popA`), addressed and up, for tunnels of
   * type `external`. Otherwise PoPs speak 6in4 and the client makes its own ends.
   */
  readonly plain?: boolean;
}

/** Serves downloads from the internet namespace, on every address of it. */
export interface DownloadServer {
  readonly port: number;
  /** Where a GET answers with `bytes` bytes, sent no faster than `bytesPerSecond` if that is given. */
  url(target: string, bytes: number, bytesPerSecond?: number): string;
  stop(): Promise<void>;
}

/**
 * A small internet of network namespaces with real packets: a client, tunnel servers (PoPs) reached
 * over an IPv4-only middle, and two IPv6 hosts behind them. Needs root, `ip`, `nft`, `ping` and `socat`.
 *
 * Several can stand side by side; addresses are the same in each (topology.ts). What a process
 * leaves behind when it is killed, the next `create` on the machine removes.
 *
 * @example
 * const bed = await Testbed.create({ pops: 2 });
 * await bed.client.must(['ping', '-c', '1', bed.pop('popA').v4]);
 * await bed.destroy();
 */
export class Testbed {
  readonly client: Namespace;
  readonly internet: Namespace;
  readonly pops: readonly Pop[];
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.pops = parts.pops;
    this.client = parts.client;
    this.internet = parts.internet;
  }

  static async create(options: TestbedOptions = {}): Promise<Testbed> {
    return new Testbed(await buildTestbed({ pops: options.pops ?? 2, plain: options.plain ?? false }));
  }

  /** Addresses of a PoP, by its name. */
  pop(name: string): Pop {
    const found = this.pops.find((pop) => pop.name === name);
    if (found === undefined)
      throw new Error(`this test bed has no ${name}: ${this.pops.map((p) => p.name).join(', ')}`);
    return found;
  }

  /** The namespace called `client`, `middle`, `internet` or like a PoP. */
  ns(name: string): Namespace {
    if (name === 'client' || name === 'middle' || name === 'internet') return this.#parts[name];
    const found = this.#parts.popSpaces.get(this.pop(name));
    if (found === undefined) throw new Error(`${name} has no namespace`);
    return found;
  }

  /** Turns a PoP into a black hole for tunnel packets, both ways; every interface stays up. Safe to repeat. */
  async cut(pop: string): Promise<void> {
    await this.ns(pop).nft(NO_BLACK_HOLE + BLACK_HOLE);
  }

  /** Undoes `cut`. Safe to repeat. */
  async restore(pop: string): Promise<void> {
    await this.ns(pop).nft(NO_BLACK_HOLE);
  }

  /** How many packets from outside the client's own prefix this PoP has refused since the test bed was made. */
  async foreignPackets(pop: string): Promise<number> {
    const text = await this.ns(pop).must(['nft', 'list', 'counter', 'inet', 'guard', 'foreign']);
    const packets = /packets (\d+)/.exec(text)?.[1];
    if (packets === undefined) throw new Error(`nft shows no packet count:\n${text}`);
    return Number(packets);
  }

  /** Everything lasting about a namespace's network, as text that can be compared (snapshot.ts). */
  snapshot(name: string): Promise<string> {
    return snapshotOf(this.ns(name));
  }

  /** Makes the client's end of the 6in4 tunnel to a PoP by hand: the device, up, with its address. */
  openTunnel(pop: string, device: string): Promise<Running> {
    const { v4, tunnel } = this.pop(pop);
    return raiseUserTunnel(this.client, { device, local: CLIENT_V4, remote: v4, address: `${tunnel.client}/64` });
  }

  async serveDownloads(): Promise<DownloadServer> {
    const script = new URL('./download-server.mjs', import.meta.url).pathname;
    const server = this.internet.spawn([process.execPath, script]);
    const port = Number((await server.says(/listening on port (\d+)/))[1]);
    return {
      port,
      url: (target, bytes, rate) =>
        `http://[${target}]:${port}/?bytes=${bytes}${rate === undefined ? '' : `&rate=${rate}`}`,
      stop: async () => {
        await server.stop();
      },
    };
  }

  /** Kills everything that runs in the test bed and removes it. Safe to repeat. */
  async destroy(): Promise<void> {
    await removeNamespaces(this.#parts.all);
  }
}
