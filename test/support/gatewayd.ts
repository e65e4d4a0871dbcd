import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressesView, ConfigDocument, HealthView, Millis, TunnelsView } from '@hurricane/core';
import { builtCli } from './cli.js';
import type { Running } from './command.js';
import type { Testbed } from './testbed.js';
import { TARGETS } from './topology.js';
import { waitFor } from './wait-for.js';

/** The daemon's own limit is shorter. */
const STOP_LIMIT: Millis = 25_000;

/** What a tunnel lost while it came up on a busy machine counts against it for a while. A hook may take 60 s. */
const PREFERRED_LIMIT: Millis = 45_000;

const CONFIGURATION = 'v6-gatewayd.conf';

/** Namespaces share the files of the machine, and the usual socket may be another daemon's. */
function withOwnSocket(configuration: string, directory: string): string {
  return configuration.includes('[mcp]') ? configuration : `${configuration}\n[mcp]\nsocket = ${directory}/mcp.sock\n`;
}

/** The daemon, as it is published, inside the client namespace of a test bed. */
export class Gatewayd {
  readonly process: Running;
  readonly #bed: Testbed;
  readonly #directory: string;

  private constructor(bed: Testbed, process: Running, directory: string) {
    this.#bed = bed;
    this.process = process;
    this.#directory = directory;
  }

  static async start(bed: Testbed, configuration: string, flags: readonly string[] = ['-d']): Promise<Gatewayd> {
    const cli = await builtCli();
    const directory = await mkdtemp(join(tmpdir(), 'gatewayd-'));
    const file = join(directory, CONFIGURATION);
    await writeFile(file, withOwnSocket(configuration, directory));
    return new Gatewayd(bed, bed.client.spawn([process.execPath, cli, '-c', file, ...flags]), directory);
  }

  /**
   * As `start`, with a configuration that has `failback = never`. Resolves once that tunnel carries the traffic: on a
   * busy machine another can be up first, which would then keep it.
   */
  static async startOn(bed: Testbed, tunnel: string, configuration: string): Promise<Gatewayd> {
    const first = configuration.replace('failback = never', 'failback_after = 1s\nfailback_at_most = 1s');
    const gatewayd = await Gatewayd.start(bed, first);
    await gatewayd.carriedBy(tunnel, PREFERRED_LIMIT);
    await gatewayd.reload(configuration);
    const stays = async (): Promise<boolean> =>
      (await gatewayd.get<ConfigDocument>('/config')).failover.failback === 'never';
    await waitFor(stays, 10_000, 'the configuration to be read');
    await gatewayd.carriedBy(tunnel);
    return gatewayd;
  }

  health(): Promise<HealthView> {
    return this.get('/health');
  }

  tunnels(): Promise<TunnelsView> {
    return this.get('/tunnels');
  }

  addresses(): Promise<AddressesView> {
    return this.get('/v6/address');
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.#bed.client.must(['curl', '-sS', `http://127.0.0.1:8642${path}`])) as T;
  }

  /** Waits until that tunnel is the primary and answers. */
  async carriedBy(tunnel: string, limit: Millis = 10_000): Promise<void> {
    const carried = async (): Promise<boolean> => {
      if (this.process.ended) throw new Error(`the daemon ended:\n${this.process.output}`);
      const { exitCode, stdout } = await this.#bed.client.exec(['curl', '-s', 'http://127.0.0.1:8642/health']);
      if (exitCode !== 0) return false;
      const health = JSON.parse(stdout) as HealthView;
      return health.primary === tunnel && health.v6_reachable;
    };
    await waitFor(carried, limit, `${tunnel} to carry the traffic`).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.process.output}`);
    });
  }

  /** Waits until that tunnel answers, whether or not it is the primary. */
  async isUp(tunnel: string, limit: Millis = 10_000): Promise<void> {
    const answers = async (): Promise<boolean> =>
      (await this.tunnels()).tunnels.some(
        ({ name, state, reachable }) => name === tunnel && state === 'up' && reachable,
      );
    await waitFor(answers, limit, `${tunnel} to be up`);
  }

  /** Has it read another configuration. What comes of it takes a while. */
  async reload(configuration: string): Promise<void> {
    const file = join(this.#directory, CONFIGURATION);
    const next = `${file}.next`;
    await writeFile(next, withOwnSocket(configuration, this.#directory));
    // In one step: it may be reading the file because of the time before.
    await rename(next, file);
    this.process.signal('SIGHUP');
  }

  /** Ends it without giving it a chance to do anything about it; resolves once it is gone. */
  async kill(): Promise<void> {
    this.process.signal('SIGKILL');
    await this.process.end();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Ends it with that signal; resolves to its exit code. */
  async end(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | null> {
    if (!this.process.ended) this.process.signal(signal);
    const code = await this.process.end(STOP_LIMIT);
    await rm(this.#directory, { recursive: true, force: true });
    return code;
  }
}

/** A configuration with one 6in4 tunnel to each PoP of the bed, in order of priority: `a` on `he-a`, `b` on `he-b`. */
export function configurationFor(bed: Testbed, more = ''): string {
  const tunnels = bed.pops.map((pop, priority) => {
    const letter = pop.name.slice('pop'.length).toLowerCase();
    return `[tunnel.${letter}]
type = he_6in4
iface = he-${letter}
endpoint_ipv4 = ${pop.v4}
v6_prefix = ${pop.tunnel.client}/64
priority = ${priority}
`;
  });
  return `[health]\ntargets = ${TARGETS.join(', ')}\n\n${tunnels.join('\n')}\n${more}`;
}
