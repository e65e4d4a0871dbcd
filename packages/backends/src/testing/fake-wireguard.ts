import type { DriverError } from '@hurricane/core';
import { err, ok, type ResultAsync } from 'neverthrow';
import type { Finished } from '../command.js';
import { hooksOf, parseWgConf, sharesRouting, valuesOf, type WgLine } from '../wg-conf.js';
import type { WgFile, WgFiles } from '../wg-files.js';
import type { FakeKernel } from './fake-kernel.js';

/** Keys as they look, so that a test can find them where they must not be. */
export const FAKE_PRIVATE_KEY = 'cHJpdmF0ZS1rZXktb2YtYS10ZXN0LW5vdC1hLXNlY3I=';
export const FAKE_PUBLIC_KEY = 'cHVibGljLWtleS1vZi1hLXBlZXItb2YtdGhpcy10ZXM=';
export const FAKE_SHARED_KEY = 'c2hhcmVkLWtleS1vZi1hLXBlZXItb2YtdGhpcy10ZXM=';

/** A full-tunnel file as providers hand them out. `more` goes into `[Interface]`, `peer` into `[Peer]`. */
export function fakeConf(
  addresses: readonly string[],
  more: readonly string[] = [],
  peer: readonly string[] = [],
): string {
  return [
    '[Interface]',
    `PrivateKey = ${FAKE_PRIVATE_KEY}`,
    `Address = ${addresses.join(', ')}`,
    ...more,
    '',
    '[Peer]',
    `PublicKey = ${FAKE_PUBLIC_KEY}`,
    `PresharedKey = ${FAKE_SHARED_KEY}`,
    ...(peer.some((line) => line.startsWith('AllowedIPs')) ? [] : ['AllowedIPs = 0.0.0.0/0, ::/0']),
    ...(peer.some((line) => line.startsWith('Endpoint')) ? [] : ['Endpoint = 203.0.113.7:51820']),
    ...peer,
    '',
  ].join('\n');
}

const CONF_FOLDER = '/etc/wireguard';
const COPY_FOLDER = '/run/v6-gatewayd/wireguard';

/** What the fake wg-quick does things to. */
export interface FakeWgHost {
  readonly kernel: FakeKernel;
  readonly hasModule: boolean;
  /** Null: that program is not installed. */
  startUserspace(name: string): boolean;
  /** What a command of a file does that is one of `ip`. */
  ip(args: readonly string[]): Finished | null;
}

const no = (stderr: string, exitCode = 1): Finished => ({ exitCode, stdout: '', stderr });
const done = (stdout = ''): Finished => ({ exitCode: 0, stdout, stderr: '' });

/** wg-quick, wg and the files they read. */
export class FakeWireguard {
  /** By interface: the texts in /etc/wireguard. */
  readonly confs: Map<string, string>;
  /** By interface: the copies we made. */
  readonly copies: Map<string, string> = new Map();
  /** Interfaces whose files everybody can read. */
  readonly exposed: Set<string> = new Set();
  /** The commands of files that have been run, in order. */
  readonly hooksRun: string[] = [];
  /** IPv4 addresses by name. */
  readonly names: Map<string, string> = new Map();
  /** By interface: the peers' lines of `wg show IFACE dump`. */
  readonly peers: Map<string, readonly string[]> = new Map();

  constructor(confs: Readonly<Record<string, string>>) {
    this.confs = new Map(Object.entries(confs));
  }

  toString(): string {
    return [...this.copies].map(([iface, text]) => `copy ${iface} ${JSON.stringify(text)}`).join('\n');
  }

  /** Null for a command it does not know. */
  quick(host: FakeWgHost, [verb, path = '']: readonly string[]): Finished | null {
    const name = /([^/]+)\.conf$/.exec(path)?.[1] ?? path;
    const text = path === `${COPY_FOLDER}/${name}.conf` ? this.copies.get(name) : undefined;
    if (text === undefined) return no(`wg-quick: \`${path}' does not exist`);
    if (verb === 'up') return this.#up(host, name, parseWgConf(text));
    if (verb === 'down') return this.#down(host, name, parseWgConf(text));
    return null;
  }

  /** `wg show NAME dump`. */
  show(kernel: FakeKernel, [verb, name = '', what]: readonly string[]): Finished | null {
    if (verb !== 'show' || what !== 'dump') return null;
    if (!this.#isWireguard(kernel, name)) return no('Unable to access interface: No such device');
    const first = `${FAKE_PRIVATE_KEY}\t${FAKE_PUBLIC_KEY}\t51820\toff`;
    return done(`${[first, ...(this.peers.get(name) ?? [])].join('\n')}\n`);
  }

  /** `getent ahostsv4 NAME`. */
  lookUp([database, name = '']: readonly string[]): Finished | null {
    const address = this.names.get(name);
    if (database !== 'ahostsv4') return null;
    return address === undefined ? no('', 2) : done(`${address}     STREAM ${name}\n${address}     DGRAM\n`);
  }

  /** Somebody else's tunnel, up before we came. */
  bringUpByHand(kernel: FakeKernel, name: string, addresses: readonly string[], kind = 'wireguard'): void {
    kernel.addLink(name, { kind, up: true, mtu: 1420, addresses: new Map(addresses.map((each) => [each, []])) });
    this.peers.set(name, [peerLine('203.0.113.7:51820', '::/0,0.0.0.0/0')]);
  }

  #isWireguard(kernel: FakeKernel, name: string): boolean {
    const kind = kernel.links.get(name)?.kind;
    return kind === 'wireguard' || (kind === 'tun' && this.peers.has(name));
  }

  #up(host: FakeWgHost, name: string, lines: readonly WgLine[]): Finished {
    const { kernel } = host;
    if (kernel.links.has(name)) return no(`wg-quick: \`${name}' already exists`);
    const asked = `[#] ip link add ${name} type wireguard\n`;
    const fellBack = `${asked}Error: Unknown device type.\n[!] Missing WireGuard kernel module. Falling back.\n`;
    if (!host.hasModule && !host.startUserspace(name)) {
      return no(
        `${asked}Error: Unknown device type.\n[#] ip link delete dev ${name}\nCannot find device "${name}"\n`,
        2,
      );
    }
    const said = host.hasModule ? asked : fellBack;
    const addresses = valuesOf(lines, 'interface', 'address');
    const longest = (address: string): number => (address.includes(':') ? 128 : 32);
    const given = new Map(addresses.map((each) => [each.includes('/') ? each : `${each}/${longest(each)}`, []]));
    kernel.addLink(name, { kind: host.hasModule ? 'wireguard' : 'tun', up: true, mtu: 1420, addresses: given });
    const allowed = valuesOf(lines, 'peer', 'allowedips');
    this.peers.set(name, [peerLine(valuesOf(lines, 'peer', 'endpoint')[0] ?? '(none)', allowed.join(','))]);
    // What wg-quick's own routing would do to the host.
    if (sharesRouting(lines) && !lines.some(({ key, value }) => key === 'table' && value === 'off')) {
      kernel.addRule({ pref: 32_765, from: null, oif: null, table: 51_820, protocol: null });
    }
    return this.#runHooks(host, lines, { name, when: 'PostUp', said }, () => this.#remove(kernel, name));
  }

  #down(host: FakeWgHost, name: string, lines: readonly WgLine[]): Finished {
    if (!this.#isWireguard(host.kernel, name)) return no(`wg-quick: \`${name}' is not a WireGuard interface`);
    const before = this.#runHooks(host, lines, { name, when: 'PreDown', said: '' }, () => undefined);
    if (before.exitCode !== 0) return before;
    this.#remove(host.kernel, name);
    return this.#runHooks(host, lines, { name, when: 'PostDown', said: '' }, () => undefined);
  }

  #remove(kernel: FakeKernel, name: string): void {
    kernel.removeLink(name);
    this.peers.delete(name);
  }

  /** `false` fails and `ip` does what it says; every other command does nothing. */
  #runHooks(host: FakeWgHost, lines: readonly WgLine[], { name, when, said }: HookRun, undo: () => void): Finished {
    for (const { key, command } of hooksOf(lines)) {
      if (key !== when) continue;
      const [program, ...args] = command.replaceAll('%i', name).split(' ');
      const isDone = program === 'ip' ? host.ip(args)?.exitCode === 0 : program !== 'false';
      if (program !== 'ip') this.hooksRun.push(`${key} ${[program, ...args].join(' ')}`);
      if (isDone) continue;
      undo();
      // Only on the way up it cleans up after a failure.
      return no(`${said}[#] ${command}\n${when === 'PostUp' ? `[#] ip link delete dev ${name}\n` : ''}`);
    }
    return done();
  }
}

/** Which of a file's commands are due, and what wg-quick has printed before. */
interface HookRun {
  readonly name: string;
  readonly when: string;
  readonly said: string;
}

/** A peer's line of `wg show IFACE dump`. */
export const peerLine = (endpoint: string, allowed: string, handshake = 0): string =>
  [FAKE_PUBLIC_KEY, FAKE_SHARED_KEY, endpoint, allowed, `${handshake}`, '148', '92', 'off'].join('\t');

/** Runs an act as a step that may be made to fail: to null. */
export type Step = <T>(
  argv: readonly string[],
  signal: AbortSignal,
  act: () => T,
) => ResultAsync<T | null, DriverError>;

/** The files of a fake host; `null` inside the answer is wrapped, because it means a failed step outside. */
export function fakeWgFiles(wg: FakeWireguard, step: Step): WgFiles {
  const pathOf = (iface: string): string => `${CONF_FOLDER}/${iface}.conf`;
  const copyOf = (iface: string): string => `${COPY_FOLDER}/${iface}.conf`;
  const run = <T>(argv: readonly string[], signal: AbortSignal, act: () => T): ResultAsync<T, DriverError> =>
    step(argv, signal, () => ({ answer: act() })).andThen((found) =>
      found === null
        ? err<T, DriverError>({ kind: 'unsupported', what: `${argv.join(' ')}: injected` })
        : ok(found.answer),
    );
  const read = (iface: string): WgFile | null => {
    const text = wg.confs.get(iface);
    return text === undefined ? null : { path: pathOf(iface), text, isExposed: wg.exposed.has(iface) };
  };
  return {
    pathOf,
    copyOf,
    read: (iface, signal) => run(['read', pathOf(iface)], signal, () => read(iface)),
    writeCopy: (iface, text, signal) =>
      run(['write', copyOf(iface)], signal, () => {
        wg.copies.set(iface, text);
      }),
    hasCopy: (iface, signal) => run(['look for', copyOf(iface)], signal, () => wg.copies.has(iface)),
    removeCopy: (iface, signal) =>
      run(['remove', copyOf(iface)], signal, () => {
        wg.copies.delete(iface);
      }),
  };
}
