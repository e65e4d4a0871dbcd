import { COMMAND_LIMIT, mustRun, type Running } from './command.js';
import type { Namespace } from './namespace.js';
import { addNamespaces, removeNamespaces, sweepNamespaces } from './namespace-names.js';
import { sourceGuard } from './pop-rules.js';
import {
  CLIENT_ROUTER,
  CLIENT_V4,
  CLIENT_WAN,
  linkTo,
  POP_TUNNEL,
  POP_UPLINK,
  POP_WAN,
  type Pop,
  plainLink,
  popsOf,
  TARGETS,
} from './topology.js';
import { waitFor } from './wait-for.js';

export interface Parts {
  readonly pops: readonly Pop[];
  readonly client: Namespace;
  readonly middle: Namespace;
  readonly internet: Namespace;
  readonly popSpaces: ReadonlyMap<Pop, Namespace>;
  readonly all: readonly Namespace[];
}

export interface UserTunnel {
  readonly device: string;
  readonly local: string;
  readonly remote: string;
  /** In CIDR form. */
  readonly address: string;
}

/** What an IPv4 path of 1500 bytes leaves to the packet inside. */
const TUNNEL_MTU = 1480;

/** Tests know what they address, so addresses are usable at once (RFC 4862 section 5.1, DupAddrDetectTransmits 0). */
const NO_DAD = ['net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0'];

/** Makes and connects the namespaces. Fails: nothing of it is left. */
export async function buildTestbed(options: { readonly pops: number; readonly plain: boolean }): Promise<Parts> {
  await sweepNamespaces();
  const parts = await makeSpaces(popsOf(options.pops));
  try {
    await joinSpaces(parts, options.plain);
    await Promise.all([addressClient(parts, options.plain), addressMiddle(parts), addressInternet(parts)]);
    await Promise.all([...parts.popSpaces].map(([pop, space]) => openPop(pop, space, options.plain)));
    return parts;
  } catch (error) {
    await removeNamespaces(parts.all);
    throw error;
  }
}

async function makeSpaces(pops: readonly Pop[]): Promise<Parts> {
  const all = await addNamespaces(['client', 'middle', 'internet', ...pops.map((pop) => pop.name)]);
  const [client, middle, internet, ...rest] = all;
  if (client === undefined || middle === undefined || internet === undefined) throw new Error('namespaces are missing');
  const popSpaces = new Map(pops.flatMap((pop, index) => (rest[index] === undefined ? [] : [[pop, rest[index]]])));
  return { pops, client, middle, internet, popSpaces, all };
}

/** Kernel parameters come first: an interface takes the defaults of the moment it is made. */
async function joinSpaces({ client, middle, internet, popSpaces }: Parts, plain: boolean): Promise<void> {
  await Promise.all([
    client.sysctl(...NO_DAD),
    middle.sysctl('net.ipv4.ip_forward=1', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'),
    internet.sysctl(...NO_DAD),
    ...[...popSpaces.values()].map((space) => space.sysctl(...NO_DAD, 'net.ipv6.conf.all.forwarding=1')),
  ]);
  const cables = [cable(client, CLIENT_WAN, middle, 'client')];
  for (const [pop, space] of popSpaces) {
    cables.push(cable(space, POP_WAN, middle, linkTo(pop)), cable(space, POP_UPLINK, internet, linkTo(pop)));
    if (plain) cables.push(cable(space, POP_TUNNEL, client, plainLink(pop)));
  }
  await mustRun(['ip', '-batch', '-'], { input: cables.join('') });
}

function cable(a: Namespace, deviceA: string, b: Namespace, deviceB: string): string {
  return `link add ${deviceA} netns ${a.name} type veth peer name ${deviceB} netns ${b.name}\n`;
}

async function addressClient({ client, pops }: Parts, plain: boolean): Promise<void> {
  const links = pops.flatMap((pop) => [
    `link set ${plainLink(pop)} up`,
    `addr add ${pop.tunnel.client}/64 dev ${plainLink(pop)}`,
  ]);
  await client.ip(
    'link set lo up',
    `link set ${CLIENT_WAN} up`,
    `addr add ${CLIENT_V4}/24 dev ${CLIENT_WAN}`,
    `route add default via ${CLIENT_ROUTER}`,
    ...(plain ? links : []),
  );
}

async function addressMiddle({ middle, pops }: Parts): Promise<void> {
  await middle.ip(
    'link set client up',
    `addr add ${CLIENT_ROUTER}/24 dev client`,
    ...pops.flatMap((pop) => [`link set ${linkTo(pop)} up`, `addr add ${pop.v4Router}/30 dev ${linkTo(pop)}`]),
  );
}

async function addressInternet({ internet, pops }: Parts): Promise<void> {
  await internet.ip(
    'link set lo up',
    ...TARGETS.map((target) => `addr add ${target}/128 dev lo`),
    ...pops.flatMap((pop) => [
      `link set ${linkTo(pop)} up`,
      `addr add ${pop.uplink.internet}/64 dev ${linkTo(pop)}`,
      `route add ${pop.tunnel.prefix} via ${pop.uplink.pop}`,
    ]),
  );
}

async function openPop(pop: Pop, space: Namespace, plain: boolean): Promise<void> {
  await space.ip(
    'link set lo up',
    `link set ${POP_WAN} up`,
    `addr add ${pop.v4}/30 dev ${POP_WAN}`,
    `route add default via ${pop.v4Router}`,
    `link set ${POP_UPLINK} up`,
    `addr add ${pop.uplink.pop}/64 dev ${POP_UPLINK}`,
    `route add default via ${pop.uplink.internet}`,
  );
  await space.nft(sourceGuard(pop));
  const address = `${pop.tunnel.server}/64`;
  if (plain) await space.ip(`link set ${POP_TUNNEL} up`, `addr add ${address} dev ${POP_TUNNEL}`);
  else await raiseUserTunnel(space, { device: POP_TUNNEL, local: pop.v4, remote: CLIENT_V4, address });
}

/**
 * Makes one end of a 6in4 tunnel (RFC 4213) in user space, for kernels without `sit`. It lives as
 * long as the program that is returned.
 */
export async function raiseUserTunnel(space: Namespace, tunnel: UserTunnel): Promise<Running> {
  const { device, local, remote, address } = tunnel;
  const carrier = space.spawn([
    'socat',
    `TUN,tun-name=${device},tun-type=tun,iff-no-pi,iff-up`,
    `IP4-DATAGRAM:${remote}:41,bind=${local},range=${remote}/32`,
  ]);
  const isThere = async (): Promise<boolean> => {
    if (carrier.ended) throw new Error(`socat could not make ${device}: ${carrier.output}`);
    return (await space.exec(['test', '-e', `/sys/class/net/${device}`])).exitCode === 0;
  };
  await waitFor(isThere, COMMAND_LIMIT, `socat to make ${device}`);
  await space.ip(`link set ${device} mtu ${TUNNEL_MTU} up`, `addr add ${address} dev ${device}`);
  return carrier;
}
