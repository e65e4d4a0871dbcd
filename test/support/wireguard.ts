import { existsSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from './command.js';
import type { Testbed } from './testbed.js';
import { POP_WAN, type Pop } from './topology.js';

/** Where `ip netns exec` looks for files of /etc that are a namespace's own (ip-netns(8)). */
const NETNS_ETC = '/etc/netns';

const PORT = 51_820;

/** Both ends of one WireGuard tunnel from the client to a PoP. */
export interface WgTunnel {
  readonly pop: Pop;
  /** The client's end. Its name is this process's own: /run/wireguard is shared by all namespaces. */
  readonly iface: string;
  readonly serverIface: string;
  /** The client's address, a /128. */
  readonly address: string;
  /** What a provider would hand out: a full tunnel for both families. */
  readonly conf: string;
}

/** Names and addresses of a tunnel to each PoP; the servers' ends stand when this resolves. */
export async function serveWireguard(bed: Testbed): Promise<readonly WgTunnel[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wg-servers-'));
  try {
    return await Promise.all(bed.pops.map((pop, index) => serve(bed, pop, index, folder)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function serve(bed: Testbed, pop: Pop, index: number, folder: string): Promise<WgTunnel> {
  const [server, client] = await Promise.all([keyPair(), keyPair()]);
  const ours = `${process.pid.toString(36)}${String.fromCharCode('a'.charCodeAt(0) + index)}`;
  const [iface, serverIface] = [`wgc${ours}`, `wgs${ours}`];
  const address = pop.tunnel.prefix.replace('::/64', '::100:2');
  const text = `[Interface]
PrivateKey = ${server.secret}
ListenPort = ${PORT}
[Peer]
PublicKey = ${client.public}
AllowedIPs = ${address}/128
`;
  const path = join(folder, `${serverIface}.conf`);
  await writeFile(path, text, { mode: 0o600 });
  await bed.ns(pop.name).must(['wg-quick', 'up', path]);
  // Counts what comes out of the tunnel, and refuses what is not from its client.
  await bed.ns(pop.name).nft(`table inet wg {
  counter passed { }
  counter foreign { }
  chain arrive {
    type filter hook prerouting priority raw;
    iifname "${serverIface}" ip6 saddr != { ${address}, fe80::/10 } counter name foreign drop
    iifname "${serverIface}" ip6 saddr ${address} counter name passed
  }
}`);
  const conf = `# As a provider hands it out
[Interface]
PrivateKey = ${client.secret}
Address = 10.64.${index}.2/32, ${address}/128
DNS = 10.64.0.1

[Peer]
PublicKey = ${server.public}
AllowedIPs = 0.0.0.0/0,::0/0
Endpoint = ${pop.v4}:${PORT}
`;
  return { pop, iface, serverIface, address, conf };
}

async function keyPair(): Promise<{ readonly secret: string; readonly public: string }> {
  const secret = (await mustRun(['wg', 'genkey'])).trim();
  return { secret, public: (await mustRun(['wg', 'pubkey'], { input: secret })).trim() };
}

/** Packets that came out of the tunnel at its PoP: from its own client, and from anybody else. */
export async function arrivedAt(bed: Testbed, { pop }: WgTunnel): Promise<{ passed: number; foreign: number }> {
  const count = async (name: string): Promise<number> => {
    const text = await bed.ns(pop.name).must(['nft', 'list', 'counter', 'inet', 'wg', name]);
    return Number(/packets (\d+)/.exec(text)?.[1]);
  };
  return { passed: await count('passed'), foreign: await count('foreign') };
}

/** The server end stops answering: its packets get lost on the way in, and nobody is told. */
export async function silence(bed: Testbed, { pop }: WgTunnel): Promise<void> {
  await bed.ns(pop.name).nft(`table inet wgcut {
  chain arrive {
    type filter hook prerouting priority raw - 1;
    iifname "${POP_WAN}" udp dport ${PORT} drop
  }
}`);
}

export async function unsilence(bed: Testbed, { pop }: WgTunnel): Promise<void> {
  await bed.ns(pop.name).nft('table inet wgcut { }\ndelete table inet wgcut');
}

/** Puts files where programs in the client namespace see /etc/wireguard. Resolves to that folder, seen from outside. */
export async function installConfs(bed: Testbed, tunnels: readonly WgTunnel[]): Promise<string> {
  const folder = join(NETNS_ETC, bed.client.name, 'wireguard');
  process.once('exit', () => rmSync(join(NETNS_ETC, bed.client.name), { recursive: true, force: true }));
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  for (const { iface, conf } of tunnels) await writeFile(join(folder, `${iface}.conf`), conf, { mode: 0o600 });
  return folder;
}

/** Removes what outlives the namespaces of a test bed. */
export async function forgetWireguard(bed: Testbed, tunnels: readonly WgTunnel[]): Promise<void> {
  await rm(join(NETNS_ETC, bed.client.name), { recursive: true, force: true });
  for (const name of tunnels.flatMap(({ iface, serverIface }) => [iface, serverIface])) {
    const socket = `/run/wireguard/${name}.sock`;
    if (existsSync(socket)) await rm(socket, { force: true });
  }
}
