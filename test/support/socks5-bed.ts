import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Way } from '@hurricane/relay';
import { build } from 'tsup';
import { type Finished, mustRun, type Running } from './command.js';
import type { Namespace } from './namespace.js';
import { addNamespaces, removeNamespaces, sweepNamespaces } from './namespace-names.js';
import type { Started } from './socks5-server.js';

const source = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The ends of two tunnels in the gateway, and the address it would take by itself. */
export const TUNNEL_A = '2001:db8:1::2';
export const TUNNEL_B = '2001:db8:2::2';
export const GATE_V4 = '192.0.2.2';

/** A server on the Internet, and an address that swallows everything. */
export const FAR_V6 = '2001:db8:ffff::1';
export const FAR_V4 = '203.0.113.1';
export const BLACK_HOLE = '2001:db8:bad::1';

/** Where its servers listen. */
export const FAR_PORT = 8080;

export const NAMES: Started['names'] = {
  'dual.example': [FAR_V6, FAR_V4],
  'six.example': [FAR_V6],
  'four.example': [FAR_V4],
  'hole.example': [BLACK_HOLE, FAR_V4],
  'inside.example': ['127.0.0.1', '::1'],
  'many.example': [...Array.from({ length: 200 }, (_, i) => `2001:db8:bad::${(i + 2).toString(16)}`), FAR_V4],
};

const BOTH: readonly Way[] = [
  { tunnel: 'a', iface: 'net0', address: TUNNEL_A, primary: true, liveness: 'alive' },
  { tunnel: 'b', iface: 'net0', address: TUNNEL_B, primary: false, liveness: 'alive' },
];

/**
 * A gateway with the proxy and its clients, and the Internet behind one link. Tunnels are only addresses here: what is
 * looked at is which of them connections come from.
 */
export class Socks5Bed {
  readonly gate: Namespace;
  readonly far: Namespace;
  readonly folder: string;
  readonly #engine: Started['engine'];
  #server: Running | null = null;

  private constructor(gate: Namespace, far: Namespace, folder: string, engine: Started['engine']) {
    this.gate = gate;
    this.far = far;
    this.folder = folder;
    this.#engine = engine;
  }

  /** @param engine what carries the connections. */
  static async build(engine: Started['engine']): Promise<Socks5Bed> {
    await sweepNamespaces();
    const folder = await mkdtemp(join(tmpdir(), 'hurricane-socks5-'));
    const [gate, far] = await addNamespaces(['gate', 'far']);
    if (gate === undefined || far === undefined) throw new Error('no namespaces');
    const bed = new Socks5Bed(gate, far, folder, engine);
    await bed.#connect();
    await bed.#bundle();
    const internet = far.spawn([process.execPath, source('test/support/mirror-server.mjs'), FAR_V6, FAR_V4]);
    await internet.says(/ready/);
    return bed;
  }

  async destroy(): Promise<void> {
    await removeNamespaces([this.gate, this.far]);
    await rm(this.folder, { recursive: true });
  }

  /** Starts the proxy in the gateway, with these lines under `[exposure.socks5]`. */
  async serve(...lines: readonly string[]): Promise<Running> {
    if (this.#server?.ended === false) await this.#server.stop();
    const config = ['[tunnel.a]', 'type = external', '[exposure.socks5]', 'enabled = yes', ...lines].join('\n');
    const ways = join(this.folder, 'ways.json');
    await writeFile(ways, JSON.stringify(BOTH));
    const started: Started = { config, engine: this.#engine, ways, names: NAMES };
    this.#server = this.gate.spawn([process.execPath, join(this.folder, 'server.js'), JSON.stringify(started)]);
    await this.#server.says(/^ready/m);
    return this.#server;
  }

  /** What becomes of the tunnels. */
  async ways(...ways: readonly Partial<Way>[]): Promise<void> {
    const all = BOTH.map((way, i) => ({ ...way, ...ways[i] })).sort((x, y) => Number(y.primary) - Number(x.primary));
    await writeFile(join(this.folder, 'ways.json'), JSON.stringify(all));
    const said = this.#server?.output.length ?? 0;
    this.#server?.signal('SIGHUP');
    await this.#server?.says(new RegExp(`^[^]{${said},}ways `));
  }

  /** Runs a client beside the proxy. */
  client(...argv: readonly string[]): Promise<Finished> {
    return this.gate.exec(argv);
  }

  async #connect(): Promise<void> {
    const { gate, far } = this;
    await mustRun(['ip', 'link', 'add', 'net0', 'netns', gate.name, 'type', 'veth', 'peer', 'net0', 'netns', far.name]);
    for (const namespace of [gate, far]) await namespace.ip('link set lo up', 'link set net0 up');
    await gate.ip(
      `addr add ${GATE_V4}/24 dev net0`,
      ...[TUNNEL_A, TUNNEL_B, '2001:db8:9::2'].map((address) => `addr add ${address}/64 dev net0 nodad`),
      'route add default via 192.0.2.1',
    );
    await far.ip(
      'addr add 192.0.2.1/24 dev net0',
      ...['2001:db8:1::1/64', '2001:db8:2::1/64', '2001:db8:9::1/64'].map((a) => `addr add ${a} dev net0 nodad`),
      `addr add ${FAR_V4}/32 dev lo`,
      `addr add ${FAR_V6}/128 dev lo nodad`,
      'route add blackhole 2001:db8:bad::/48',
    );
    await gate.ip6('route add default via 2001:db8:9::1');
    await far.sysctl('net.ipv6.conf.all.forwarding=1', 'net.ipv4.ip_forward=1');
  }

  async #bundle(): Promise<void> {
    await build({
      config: false,
      silent: true,
      entry: {
        server: source('test/support/socks5-server.ts'),
        'native-worker': source('packages/relay/src/native-worker.ts'),
      },
      tsconfig: source('tsconfig.json'),
      format: 'esm',
      platform: 'node',
      target: 'node20',
      noExternal: [/^(?!koffi$)/],
      external: ['koffi'],
      outDir: this.folder,
    });
    await writeFile(join(this.folder, 'package.json'), '{"type":"module"}');
    if (this.#engine === 'stream') return;
    await mkdir(join(this.folder, 'node_modules'));
    await symlink(source('packages/relay/node_modules/koffi'), join(this.folder, 'node_modules/koffi'));
  }
}
