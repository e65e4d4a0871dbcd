/** One simulated tunnel provider: a tunnel server between the IPv4 net and the IPv6 Internet. */
export interface Provider {
  /** The tunnel's name, and its provider's in every command. */
  readonly name: string;
  /** What the company would be called. */
  readonly company: string;
  /** The tunnel server's IPv4 address, and its router's on that link. */
  readonly v4: string;
  readonly v4Router: string;
  /** The client's interface. */
  readonly iface: string;
  readonly prefix: string;
  readonly client: string;
  readonly server: string;
  /** Its own and the Internet's address on the link between them. */
  readonly uplink: { readonly own: string; readonly internet: string };
  /** 0 is the most preferred. */
  readonly priority: number;
}

export const PROVIDERS: readonly [Provider, Provider] = [
  {
    name: 'north',
    company: 'Northern Tunnels',
    v4: '198.51.100.2',
    v4Router: '198.51.100.1',
    iface: 'north0',
    prefix: '2001:db8:1::/64',
    client: '2001:db8:1::2',
    server: '2001:db8:1::1',
    uplink: { own: '2001:db8:fe:1::1', internet: '2001:db8:fe:1::2' },
    priority: 0,
  },
  {
    name: 'south',
    company: 'South Networks',
    v4: '203.0.113.2',
    v4Router: '203.0.113.1',
    iface: 'south0',
    prefix: '2001:db8:2::/64',
    client: '2001:db8:2::2',
    server: '2001:db8:2::1',
    uplink: { own: '2001:db8:fe:2::1', internet: '2001:db8:fe:2::2' },
    priority: 1,
  },
];

export const PROVIDER_NAMES: readonly string[] = PROVIDERS.map((provider) => provider.name);

/** The machine that the gateway runs on, and its router. */
export const CLIENT_V4 = '192.0.2.2';
export const CLIENT_ROUTER = '192.0.2.1';

/** Two hosts on the simulated IPv6 Internet, reachable behind either provider. */
export const INTERNET: readonly [string, string] = ['2001:db8:ffff::1', '2001:db8:ffff::2'];

/** Where the Internet's hosts answer: a web page for people, and an echo that says who asked. */
export const WEB_PORT = 80;
export const ECHO_PORT = 7;

/** The interface of each namespace on the IPv4 net. */
export const WAN = 'wan0';
/** A provider's interfaces: to the client through the tunnel, and to the IPv6 Internet. */
export const TUNNEL = 'tun0';
export const UPLINK = 'net0';

const NAMESPACE = /^hurricane-play-(\d+)-[a-z]+$/;

/** The namespaces of one playground. */
export interface Spaces {
  readonly client: string;
  /** Routes IPv4 and nothing else. */
  readonly middle: string;
  readonly internet: string;
  readonly providers: readonly { readonly provider: Provider; readonly space: string }[];
  readonly all: readonly string[];
}

/** @param id of the playground. */
export function spacesOf(id: string): Spaces {
  const named = (role: string): string => `hurricane-play-${id}-${role}`;
  const providers = PROVIDERS.map((provider) => ({ provider, space: named(provider.name) }));
  const [client, middle, internet] = [named('client'), named('middle'), named('internet')];
  return { client, middle, internet, providers, all: [client, middle, internet, ...providers.map((p) => p.space)] };
}

/** Which playground a namespace belongs to; null when it is not one's. */
export const playgroundOf = (namespace: string): string | null => NAMESPACE.exec(namespace)?.[1] ?? null;
