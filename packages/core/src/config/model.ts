import type { AddressRange } from '../address.js';
import type { PortProtocol } from '../port-mappings.js';
import type { Millis } from '../units.js';

interface TunnelBase {
  /** Unique; 1 to 63 of letters, digits, `.`, `_` and `-`, not starting with `-`. */
  readonly name: string;
  /** Linux interface name, unique: 1 to 15 of letters, digits, `.`, `_` and `-`, not starting with `-`. */
  readonly iface: string;
  readonly enabled: boolean;
  /** 0 is the most preferred. */
  readonly priority: number;
  /** Canonical text (RFC 5952). Null: read from the interface. */
  readonly address: string | null;
  /** 0 to 128. */
  readonly prefixLength: number;
  /** The provider's own IPv6 address inside the tunnel. Left out: what is usual with its type, if anything is. */
  readonly popAddress?: string;
}

export type TunnelConfig =
  | (TunnelBase & {
      readonly type: 'he_6in4';
      /** The tunnel server's IPv4 address. Null while the file does not say: the tunnel stays down and says why. */
      readonly endpoint: string | null;
      /** This machine's IPv4 address. Null: the address the route to the endpoint uses. */
      readonly local: string | null;
      /** 1280 to 65515. Null: what the underlay leaves after the outer IPv4 header, at most 1480. */
      readonly mtu: number | null;
    })
  | (TunnelBase & { readonly type: 'wireguard' })
  | (TunnelBase & { readonly type: 'mullvad' })
  | (TunnelBase & {
      readonly type: 'external';
      /** Next hop on an interface that has neighbours, such as Ethernet. Null: found there, or none needed. */
      readonly gateway: string | null;
    });

export type TunnelType = TunnelConfig['type'];

/** The one member of `TunnelConfig` whose `type` is `T`. */
export type ConfigOf<T extends TunnelType> = Extract<TunnelConfig, { type: T }>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface CoreConfig {
  readonly logLevel: LogLevel;
  readonly stateDir: string;
  /** An IPv4 or IPv6 literal; `localhost` has become 127.0.0.1. */
  readonly apiBind: string;
  /** 1 to 65535. */
  readonly apiPort: number;
  /** Where the API listens as well, an absolute path of at most 107 bytes. Null: nowhere else. */
  readonly apiSocket: string | null;
  /** Name or number of the group that may use the socket. Null: the daemon's own. */
  readonly apiSocketGroup: string | number | null;
  /** A private file with the token that clients must show. Null: none is asked for; then `apiBind` is loopback. */
  readonly apiTokenFile: string | null;
  /** Origins whose pages may use the API, as browsers write them: `https://dashboard.example`. */
  readonly apiAllowOrigin: readonly string[];
  /** Names that clients may call the gateway by, in lower case, with or without a port. */
  readonly apiTrustedHosts: readonly string[];
}

export type ExposureMode = 'kernel' | 'proxy' | 'socks5';

export interface ExposureConfig {
  readonly mode: ExposureMode;
  readonly socks5: Socks5Config;
  readonly proxy: { readonly udpBasePort: number; readonly tcpBasePort: number };
}

/** How the SOCKS5 proxy uses IPv4: once IPv6 fails or takes long; not at all; or as it uses IPv6. */
export type Ipv4Policy = 'prefer6' | 'only6' | 'allow4';

/** Where something may lead, or may not. */
export interface DestinationRange extends AddressRange {
  /** Null: every port. */
  readonly port: number | null;
}

export interface Socks5Config {
  /** Whether the proxy runs: in mode `socks5`, or beside another one because the file says so. */
  readonly enabled: boolean;
  readonly bind: string;
  readonly port: number;
  /** A private file of users and their hashed passwords. Null: nobody is asked for one. */
  readonly usersFile: string | null;
  /** Who may connect. Empty: whoever `bind` lets come, which without `usersFile` is this machine alone. */
  readonly allowClients: readonly AddressRange[];
  readonly allowDestinations: readonly DestinationRange[];
  readonly denyDestinations: readonly DestinationRange[];
  readonly ipv4: Ipv4Policy;
  /** Whether the first connection to an address tries every healthy tunnel, and later ones the fastest of them. */
  readonly raceTunnels: boolean;
  /** Name servers, each `address` or `[address]:port`. Null: the system's. */
  readonly resolver: readonly string[] | null;
}

export type ProbeMethod = 'auto' | 'icmp' | 'tcp' | 'udp';

export interface HealthPolicy {
  /** IPv6 addresses. The first is asked regularly, the others when it falls silent. Never empty. */
  readonly targets: readonly string[];
  /** `auto`: ICMPv6 where `ping` is there, else TCP. */
  readonly method: ProbeMethod;
  /** Port that `tcp` and `udp` probes go to. */
  readonly port: number;
  /** Between two probes of a healthy tunnel. */
  readonly interval: Millis;
  /** Between two probes while a doubt is being settled, all targets taken together. */
  readonly quickInterval: Millis;
  /** A probe is lost once `clamp(srtt + 4 rttvar, min, max)` has passed (RFC 6298). */
  readonly deadline: { readonly min: Millis; readonly max: Millis };
  /** The score looks at this many slots of this length: what is older is forgotten. */
  readonly window: { readonly slots: number; readonly slot: Millis };
  /** Misses in a row that move new flows away. */
  readonly missesToSoftDown: number;
  /** Misses in a row, over at least `hardDownAfter`, that make a tunnel unreachable. */
  readonly missesToHardDown: number;
  readonly hardDownAfter: Millis;
  /** Quick replies in a row that make a tunnel alive again. */
  readonly repliesToAlive: number;
}

export interface FailoverPolicy {
  /** How often scores are looked at. */
  readonly checkInterval: Millis;
  /** A primary scoring below this is given up at a check. */
  readonly leaveBelow: number;
  /** A backup must score at least this to take over. */
  readonly takeAtLeast: number;
  /** `never`: a failed-over primary stays until it fails itself. */
  readonly failback: 'auto' | 'never';
  /** How long a better tunnel must have been healthy before it takes the route back; doubles with every flap. */
  readonly failbackAfter: Millis;
  /** What the doubling stops at. */
  readonly failbackAtMost: Millis;
  /** Ends TCP connections of a primary that has become unreachable, when a backup has taken over. */
  readonly abortFlows: boolean;
}

export interface OperationPolicy {
  /** How long one driver or route operation may take. */
  readonly timeout: Millis;
  /** First pause after a failure; doubles up to `retryMax`. */
  readonly retryMin: Millis;
  readonly retryMax: Millis;
}

export interface RoutingPolicy {
  /** Metric of the managed default route; standbys follow at steps of 10. */
  readonly metric: number;
  /** Tunnel tables are numbered from here. */
  readonly tableBase: number;
  /** Preference of the first of our policy rules. */
  readonly ruleBase: number;
}

/** The MCP server, for assistants. */
export interface McpConfig {
  readonly enabled: boolean;
  /** Where it listens, an absolute path of at most 107 bytes. */
  readonly socket: string;
  /** Whether the API offers it as well, at `/mcp`. */
  readonly http: boolean;
  /** Whether it offers tools that change something. */
  readonly allowControl: boolean;
}

/** A port mapping that the file asks for. What it means: `PortMappingRequest`. */
export interface MappingConfig {
  /** Unique; of the same letters as a tunnel's. */
  readonly name: string;
  readonly enabled: boolean;
  readonly protocol: PortProtocol;
  /** An IPv4 or IPv6 address. `in`: where the program is. `out`: where the gateway listens, a loopback address. */
  readonly internalHost: string;
  readonly internalPort: number;
  readonly externalPort: number;
  /** Canonical text, or `auto`. */
  readonly v6Address: string;
  readonly direction: 'in' | 'out';
  /** `out` only: `[2001:db8::1]:7654`, canonical. */
  readonly target: string | null;
  /** Tells the program who connects, by a PROXY protocol header of version 2. TCP and `in` only. */
  readonly proxyProtocol: boolean;
  readonly description: string | null;
}

/** How much the relay carries at once, and by what. */
export interface RelayPolicy {
  readonly maxFlows: number;
  readonly maxFlowsPerClient: number;
  /** What carries the bytes; `auto`: the native one where it works. */
  readonly engine: 'auto' | 'stream' | 'native';
  /** Whether the native engine polls for a moment before it sleeps, for processor time. */
  readonly lowLatency: boolean;
}

export interface Config {
  readonly core: CoreConfig;
  readonly mcp: McpConfig;
  readonly exposure: ExposureConfig;
  /** In file order, which breaks ties. */
  readonly tunnels: readonly TunnelConfig[];
  readonly health: HealthPolicy;
  readonly failover: FailoverPolicy;
  readonly operation: OperationPolicy;
  readonly routing: RoutingPolicy;
  readonly relay: RelayPolicy;
  /** In file order. */
  readonly mappings: readonly MappingConfig[];
  /** What was accepted but will not do what its author hopes, such as an endpoint that is still a placeholder. */
  readonly warnings: readonly ConfigProblem[];
}

/** One thing wrong with a configuration text. */
export interface ConfigProblem {
  /** Counted from 1; null when no one line is at fault. */
  readonly line: number | null;
  /** `section.key`, `section` or ''. */
  readonly where: string;
  /** One sentence: the offending text, and what would be right. */
  readonly problem: string;
}
