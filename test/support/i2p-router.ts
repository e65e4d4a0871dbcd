import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Running } from './command.js';
import type { Namespace } from './namespace.js';
import { waitFor } from './wait-for.js';

/** Not the network of the world (2), so that nothing of it would be taken for this one's. */
const NETWORK = 77;

export interface RouterPlan {
  readonly name: string;
  /** Its address and port, as it tells others. */
  readonly host: string;
  readonly port: number;
  /** Lines of i2pd.conf, those of sections as `section.key = value`. */
  readonly more: readonly string[];
}

/** A real i2pd in a namespace, which knows nobody but those it is introduced to. */
export class I2pRouter {
  readonly process: Running;
  readonly #space: Namespace;
  readonly #console: number;

  private constructor(space: Namespace, process: Running, port: number) {
    this.#space = space;
    this.process = process;
    this.#console = port;
  }

  /** @param known folders of routers that it is to know from the start. */
  static async start(
    space: Namespace,
    folder: string,
    { name, host, port, more }: RouterPlan,
    known: readonly string[] = [],
  ): Promise<I2pRouter> {
    const data = join(folder, name);
    await mkdir(data, { recursive: true, mode: 0o700 });
    for (const other of known) await introduce(data, join(folder, other));
    const consolePort = port + 1;
    const empty = join(data, 'tunnels.conf');
    await writeFile(empty, '');
    const settings = [
      ...[`netid = ${NETWORK}`, `host = ${host}`, `port = ${port}`, 'ipv4 = false', 'ipv6 = true', 'nat = false'],
      ...['log = stdout', 'loglevel = debug', 'floodfill = true', 'bandwidth = X'],
      // Documentation addresses are reserved ones.
      'reservedrange = false',
      ...['reseed.threshold = 0', 'reseed.urls = ', 'nettime.enabled = false', 'upnp.enabled = false'],
      ...['http.enabled = true', 'http.address = 127.0.0.1', `http.port = ${consolePort}`],
      ...['http.strictheaders = false', 'httpproxy.enabled = false', 'socksproxy.enabled = false'],
      ...['sam.enabled = false', 'addressbook.enabled = false'],
      // With so few routers, tunnels are as long as there are others.
      ...['exploratory.inbound.length = 1', 'exploratory.outbound.length = 1'],
      ...more,
    ];
    const file = join(data, 'i2pd.conf');
    await writeFile(file, `${settings.join('\n')}\n`);
    const process = space.spawn(['i2pd', `--datadir=${data}`, `--conf=${file}`, `--tunconf=${empty}`]);
    const router = new I2pRouter(space, process, consolePort);
    const isThere = async (): Promise<boolean> => {
      if (process.ended) throw new Error(`i2pd ended:\n${process.output}`);
      return (await router.page('')) !== null;
    };
    await waitFor(isThere, 15_000, `${name} to show its console`);
    await waitFor(() => existsSync(join(data, 'router.info')), 15_000, `${name} to tell of itself`);
    return router;
  }

  async page(query: string): Promise<string | null> {
    const url = `http://127.0.0.1:${this.#console}/${query}`;
    const { exitCode, stdout } = await this.#space.exec(['curl', '-s', '--max-time', '3', url]);
    return exitCode === 0 ? stdout : null;
  }
}

/** Puts what one router tells of itself among what another knows. */
async function introduce(data: string, other: string): Promise<void> {
  const told = join(other, 'router.info');
  const name = hashOf(await readFile(told));
  const shelf = join(data, 'netDb', `r${name.slice(0, 1)}`);
  await mkdir(shelf, { recursive: true, mode: 0o700 });
  await cp(told, join(shelf, `routerInfo-${name}.dat`));
}

/** The hash of the identity that a router's file begins with, in I2P's base64: keys of 384 bytes and a certificate. */
function hashOf(info: Buffer): string {
  const identity = info.subarray(0, 387 + info.readUInt16BE(385));
  return createHash('sha256').update(identity).digest('base64').replaceAll('+', '-').replaceAll('/', '~');
}
