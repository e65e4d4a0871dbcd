import { ok, ResultAsync, safeTry } from 'neverthrow';
import { command, ipBatch, within } from './command.js';
import type { PlaygroundError } from './problems.js';
import { CLIENT_ROUTER, CLIENT_V4, INTERNET, type Provider, type Spaces, TUNNEL, UPLINK, WAN } from './topology.js';

/**
 * Makes the namespaces and the cables between them, with IPv4 between the client and the providers
 * and IPv6 between the providers and the Internet. What is left to make are the tunnels.
 *
 * Fails: what was made so far is left for `removePlayground`.
 */
export function buildNetwork(spaces: Spaces, signal: AbortSignal): ResultAsync<void, PlaygroundError> {
  return safeTry(async function* () {
    yield* command(['ip', '-batch', '-'], { input: lines(spaces.all.map((name) => `netns add ${name}`)), signal });
    // Before the cables: an interface takes the defaults of the moment it is made.
    yield* setKernelParameters(spaces, signal);
    yield* command(['ip', '-batch', '-'], { input: lines(cables(spaces)), signal });
    yield* ResultAsync.combine([
      ipBatch(spaces.client, clientLines(), signal),
      ipBatch(spaces.middle, middleLines(spaces), signal),
      ipBatch(spaces.internet, internetLines(spaces), signal),
      ...spaces.providers.map(({ provider, space }) => ipBatch(space, providerLines(provider), signal)),
    ]);
    return ok(undefined);
  });
}

/** Lets nothing of IPv6 through a provider in either direction, and tells nobody. Its interfaces stay up. */
export function cutProvider(spaces: Spaces, name: string): ResultAsync<void, PlaygroundError> {
  return setRule(spaces, name, 'add');
}

/** Undoes {@link cutProvider}. */
export function restoreProvider(spaces: Spaces, name: string): ResultAsync<void, PlaygroundError> {
  return setRule(spaces, name, 'del');
}

/**
 * ip-rule(8): `blackhole` discards silently. The rule stands right after the local table's, so that
 * the provider itself is still there for its neighbours; only what passes through it is lost.
 */
function setRule(spaces: Spaces, name: string, verb: 'add' | 'del'): ResultAsync<void, PlaygroundError> {
  const space = spaces.providers.find(({ provider }) => provider.name === name)?.space ?? '';
  return command(['ip', '-6', '-n', space, 'rule', verb, 'pref', '1', 'blackhole']).map(() => undefined);
}

/** Written through `tee` because `sysctl` is another package, and these files are the namespace's only inside it. */
function setKernelParameters(spaces: Spaces, signal: AbortSignal): ResultAsync<unknown, PlaygroundError> {
  const write = (space: string, value: string, ...names: readonly string[]): ResultAsync<string, PlaygroundError> =>
    command(within(space, ['tee', ...names.map((name) => `/proc/sys/net/${name}`)]), { input: `${value}\n`, signal });
  const providers = spaces.providers.map(({ space }) => space);
  return ResultAsync.combine([
    write(spaces.middle, '1', 'ipv4/ip_forward', 'ipv6/conf/all/disable_ipv6', 'ipv6/conf/default/disable_ipv6'),
    ...providers.map((space) => write(space, '1', 'ipv6/conf/all/forwarding')),
    // Addresses are ours to know: no second of waiting for somebody else to claim them (RFC 4862 section 5.1).
    ...[spaces.client, spaces.internet, ...providers].map((space) =>
      write(space, '0', 'ipv6/conf/all/accept_dad', 'ipv6/conf/default/accept_dad'),
    ),
  ]);
}

function cables({ client, middle, internet, providers }: Spaces): readonly string[] {
  return [
    cable(client, WAN, middle, 'client'),
    ...providers.flatMap(({ provider, space }) => [
      cable(space, WAN, middle, provider.name),
      cable(space, UPLINK, internet, provider.name),
    ]),
  ];
}

/** The line that joins two namespaces. */
export const cable = (a: string, deviceA: string, b: string, deviceB: string): string =>
  `link add ${deviceA} netns ${a} type veth peer name ${deviceB} netns ${b}`;

const clientLines = (): readonly string[] => [
  'link set lo up',
  `link set ${WAN} up`,
  `addr add ${CLIENT_V4}/24 dev ${WAN}`,
  `route add default via ${CLIENT_ROUTER}`,
];

const middleLines = ({ providers }: Spaces): readonly string[] => [
  'link set client up',
  `addr add ${CLIENT_ROUTER}/24 dev client`,
  ...providers.flatMap(({ provider: { name, v4Router } }) => [
    `link set ${name} up`,
    `addr add ${v4Router}/24 dev ${name}`,
  ]),
];

const internetLines = ({ providers }: Spaces): readonly string[] => [
  'link set lo up',
  ...INTERNET.map((address) => `addr add ${address}/128 dev lo`),
  ...providers.flatMap(({ provider: { name, uplink, prefix } }) => [
    `link set ${name} up`,
    `addr add ${uplink.internet}/64 dev ${name}`,
    `route add ${prefix} via ${uplink.own}`,
  ]),
];

const providerLines = ({ v4, v4Router, uplink }: Provider): readonly string[] => [
  'link set lo up',
  `link set ${WAN} up`,
  `addr add ${v4}/24 dev ${WAN}`,
  `route add default via ${v4Router}`,
  `link set ${UPLINK} up`,
  `addr add ${uplink.own}/64 dev ${UPLINK}`,
  `route add default via ${uplink.internet}`,
];

/** What a provider's end of a tunnel has, whatever carries it. */
export const tunnelLines = ({ server }: Provider): readonly string[] => [
  `link set ${TUNNEL} up`,
  `addr add ${server}/64 dev ${TUNNEL}`,
];

const lines = (all: readonly string[]): string => `${all.join('\n')}\n`;
