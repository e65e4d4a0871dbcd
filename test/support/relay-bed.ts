import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlowsDocument, PortsDocument } from '@hurricane/http';
import { configurationFor, Gatewayd } from './gatewayd.js';
import { Testbed } from './testbed.js';
import { waitFor } from './wait-for.js';

/**
 * The daemon with port mappings and the SOCKS5 proxy beside them, over real tunnels `a` and `b`, of which `a` carries.
 *
 * Ports in its namespaces are the test's own, so they may be fixed: 8642 is the API's, 1080 the proxy's.
 */
export class RelayBed {
  readonly bed: Testbed;
  /** For files of the test; removed with the bed. */
  readonly folder: string;
  readonly #more: string;
  #gatewayd: Gatewayd;

  private constructor(bed: Testbed, folder: string, more: string, gatewayd: Gatewayd) {
    this.bed = bed;
    this.folder = folder;
    this.#more = more;
    this.#gatewayd = gatewayd;
  }

  /** @param more lines of the configuration: mappings, for the most part. */
  static async create(more: string): Promise<RelayBed> {
    const bed = await Testbed.create({ pops: 2 });
    const folder = await mkdtemp(join(tmpdir(), 'hurricane-relay-'));
    const gatewayd = await Gatewayd.startOn(bed, 'a', configuration(bed, folder, more));
    const made = new RelayBed(bed, folder, more, gatewayd);
    await made.#isReady();
    return made;
  }

  get gatewayd(): Gatewayd {
    return this.#gatewayd;
  }

  /** Kills the daemon, does something while it is dead, and starts it again. */
  async restart(meanwhile: () => Promise<void>): Promise<void> {
    await this.#gatewayd.kill();
    await meanwhile();
    this.#gatewayd = await Gatewayd.startOn(this.bed, 'a', configuration(this.bed, this.folder, this.#more));
    await this.#isReady();
  }

  async destroy(): Promise<void> {
    await this.#gatewayd.end();
    await this.bed.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** This machine's address in that tunnel. */
  address(tunnel: 'a' | 'b'): string {
    return this.bed.pop(tunnel === 'a' ? 'popA' : 'popB').tunnel.client;
  }

  flows(): Promise<FlowsDocument> {
    return this.#gatewayd.get('/flows');
  }

  async ports(): Promise<PortsDocument['ports']> {
    return (await this.#gatewayd.get<PortsDocument>('/ports')).ports;
  }

  async isHardDown(tunnel: 'a' | 'b'): Promise<boolean> {
    const { tunnels } = await this.#gatewayd.tunnels();
    return tunnels.some(({ name, liveness }) => name === tunnel && liveness === 'hard_down');
  }

  /** How many descriptors of the daemon are sockets; its helpers' pipes are among them. */
  async sockets(): Promise<number> {
    const folder = `/proc/${this.#gatewayd.process.pid}/fd`;
    const links = await Promise.all(
      (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => '')),
    );
    return links.filter((link) => link.startsWith('socket:')).length;
  }

  /** What the daemon's memory comes to, in bytes: its own, and its share of what it has in common with others. */
  async memory(): Promise<number> {
    const text = await readFile(`/proc/${this.#gatewayd.process.pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss: +(\d+) kB$/m.exec(text)?.[1]) * 1024;
  }

  async #isReady(): Promise<void> {
    await this.#gatewayd.isUp('b');
    const open = async (): Promise<boolean> => (await this.ports()).every(({ state }) => state === 'open');
    await waitFor(open, 5_000, 'the mappings to open');
  }
}

function configuration(bed: Testbed, folder: string, more: string): string {
  return configurationFor(
    bed,
    `[core]
state_dir = ${folder}
[exposure]
mode = proxy
[exposure.socks5]
enabled = yes
[failover]
failback = never
${more}`,
  );
}
