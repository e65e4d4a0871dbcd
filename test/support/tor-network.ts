import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun, type Running } from './command.js';
import type { Namespace } from './namespace.js';

// A Tor network of its own: one authority that votes every few seconds, and relays. The settings are those of
// tor(1), "TESTING NETWORK OPTIONS".

/** Where a relay is. Tor wants an IPv4 address of each; clients of ours reach only the other. */
interface Place {
  readonly name: string;
  readonly v4: string;
  readonly v6: string;
}

const OR_PORT = 5_000;
const DIR_PORT = 7_000;

/** A circuit is of three relays, and the authority may be one of them. */
const PLACES: readonly Place[] = ['authority', 'one', 'two', 'three'].map((name, i) => ({
  name,
  v4: `203.0.113.${10 + i}`,
  v6: `2001:db8:ffff::${10 + i}`,
}));

export class TorNetwork {
  /** A line of configuration by which others know the authority. */
  readonly #authority: string;
  readonly #folder: string;
  readonly #space: Namespace;

  private constructor(space: Namespace, folder: string, authority: string) {
    this.#space = space;
    this.#folder = folder;
    this.#authority = authority;
  }

  /** Starts it in a namespace whose loopback device gets the addresses. */
  static async start(space: Namespace, folder: string): Promise<TorNetwork> {
    await space.ip(...PLACES.flatMap(({ v4, v6 }) => [`addr add ${v4}/32 dev lo`, `addr add ${v6}/128 dev lo nodad`]));
    const [authority] = PLACES;
    if (authority === undefined) throw new Error('a network without an authority');
    const network = new TorNetwork(space, folder, await identify(authority, join(folder, authority.name)));
    await Promise.all(PLACES.map((place) => network.#startRelay(place, place === authority)));
    return network;
  }

  /** How many relays the authority has told of that can be reached over IPv6. */
  async reachable(): Promise<number> {
    const authority = PLACES[0]?.v4;
    const url = `http://${authority}:${DIR_PORT}/tor/status-vote/current/consensus-microdesc`;
    const { stdout } = await this.#space.exec(['curl', '-s', '--max-time', '2', url]);
    return [...stdout.matchAll(/^a \[/gm)].length;
  }

  /** What a program that is to use this network begins its configuration with. */
  async configured(name: string, more: string): Promise<readonly string[]> {
    const data = join(this.#folder, name);
    await mkdir(data, { recursive: true, mode: 0o700 });
    const file = join(this.#folder, `${name}.torrc`);
    await writeFile(
      file,
      `TestingTorNetwork 1
DataDirectory ${data}
DirAuthority ${this.#authority}
PathsNeededToBuildCircuits 0.67
V3AuthNIntervalsValid 2
ShutdownWaitLength 0
SafeLogging 0
Log notice stdout
${more}`,
    );
    // In place of the machine's defaults; they need not be there.
    return ['tor', '--defaults-torrc', `${file}-defaults`, '--ignore-missing-torrc', '-f', file];
  }

  async #startRelay({ name, v4, v6 }: Place, isAuthority: boolean): Promise<Running> {
    const argv = await this.configured(
      name,
      `Nickname ${name}
Address ${v4}
Address ${v6}
ORPort ${v4}:${OR_PORT}
ORPort [${v6}]:${OR_PORT}
SocksPort 0
OutboundBindAddressExit ${v4}
ExitRelay 1
ExitPolicy accept *:*
ExitPolicyRejectPrivate 0
AssumeReachable 1
ContactInfo nobody@example.org
${isAuthority ? authoritative(v4) : ''}`,
    );
    const relay = this.#space.spawn(argv);
    await relay.says(/Opened OR listener connection/);
    return relay;
  }
}

/** Every relay gets every flag at once, and there is a consensus every ten seconds. */
const authoritative = (v4: string): string => `AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
DirPort ${v4}:${DIR_PORT}
AuthDirHasIPv6Connectivity 1
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
`;

/** Makes an authority's keys; resolves to the line by which it is known. */
async function identify({ name, v4, v6 }: Place, data: string): Promise<string> {
  const keys = join(data, 'keys');
  await mkdir(keys, { recursive: true, mode: 0o700 });
  await mustRun(
    [
      ...['tor-gencert', '--create-identity-key', '-m', '1', '-a', `${v4}:${DIR_PORT}`, '--passphrase-fd', '0'],
      ...['-i', join(keys, 'authority_identity_key'), '-s', join(keys, 'authority_signing_key')],
      ...['-c', join(keys, 'authority_certificate')],
    ],
    { input: 'of a test\n' },
  );
  const certificate = await readFile(join(keys, 'authority_certificate'), 'utf8');
  const v3ident = /^fingerprint ([0-9A-F]{40})$/m.exec(certificate)?.[1];
  const said = await mustRun([
    ...['tor', '--defaults-torrc', join(data, 'none'), '--ignore-missing-torrc', '-f', join(data, 'none')],
    ...['--quiet', '--list-fingerprint', '--Nickname', name, '--DataDirectory', data, '--ORPort', '1'],
  ]);
  const fingerprint = /^\S+ ((?:[0-9A-F]{4} ?){10})$/m.exec(said)?.[1]?.replaceAll(' ', '');
  if (v3ident === undefined || fingerprint === undefined) throw new Error(`no fingerprint in ${said}`);
  return `${name} orport=${OR_PORT} v3ident=${v3ident} ipv6=[${v6}]:${OR_PORT} ${v4}:${DIR_PORT} ${fingerprint}`;
}
