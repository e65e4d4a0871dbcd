import type { AddressRange } from './address.js';
import type {
  Config,
  ConfigProblem,
  DestinationRange,
  LogLevel,
  MappingConfig,
  Socks5Config,
  TunnelConfig,
  TunnelType,
} from './config/model.js';
import type { PortProtocol } from './port-mappings.js';

export interface ConfigProblemDocument {
  readonly line: number | null;
  readonly where: string;
  readonly problem: string;
}

export interface TunnelSettings {
  readonly name: string;
  readonly type: TunnelType;
  readonly iface: string;
  readonly enabled: boolean;
  readonly priority: number;
  readonly v6_prefix: string | null;
  readonly prefix_len: number;
  readonly endpoint_ipv4: string | null;
  readonly local_ipv4: string | null;
  readonly gateway: string | null;
  readonly pop_address: string | null;
  readonly mtu: number | null;
}

export interface MappingSettings {
  readonly name: string;
  readonly enabled: boolean;
  readonly protocol: PortProtocol;
  readonly internal_host: string;
  readonly internal_port: number;
  readonly external_port: number;
  readonly v6_address: string;
  readonly direction: 'in' | 'out';
  readonly target: string | null;
  readonly proxy_protocol: boolean;
  readonly description: string | null;
}

/** The configuration in force, under the names of the file; lengths of time in milliseconds. No secret is in it. */
export interface ConfigDocument {
  readonly core: {
    readonly log_level: LogLevel;
    readonly state_dir: string;
    readonly api_bind: string;
    readonly api_port: number;
    readonly api_socket: string | null;
    readonly api_socket_group: string | null;
    /** Where the token is, not what it is. */
    readonly api_token_file: string | null;
    readonly api_allow_origin: readonly string[];
    readonly api_trusted_hosts: readonly string[];
  };
  readonly exposure: {
    readonly mode: string;
    readonly socks5: {
      readonly enabled: boolean;
      readonly bind: string;
      readonly port: number;
      /** Where the users are, not who. */
      readonly users_file: string | null;
      readonly allow_clients: readonly string[];
      readonly allow_destinations: readonly string[];
      readonly deny_destinations: readonly string[];
      readonly ipv4: string;
      readonly race_tunnels: boolean;
      /** Null: the system's. */
      readonly resolver: readonly string[] | null;
    };
    readonly proxy: { readonly udp_base_port: number; readonly tcp_base_port: number };
  };
  readonly mcp: {
    readonly enabled: boolean;
    readonly socket: string;
    readonly http: boolean;
    readonly allow_control: boolean;
  };
  readonly relay: {
    readonly max_flows: number;
    readonly max_flows_per_client: number;
    readonly engine: string;
    readonly low_latency: boolean;
  };
  readonly mappings: readonly MappingSettings[];
  readonly health: {
    readonly targets: readonly string[];
    readonly method: string;
    readonly port: number;
    readonly probe_interval_ms: number;
    readonly quick_interval_ms: number;
    readonly deadline_min_ms: number;
    readonly deadline_max_ms: number;
    readonly window_ms: number;
    readonly slot_ms: number;
    readonly misses_soft: number;
    readonly misses_hard: number;
    readonly hard_down_after_ms: number;
    readonly replies_alive: number;
  };
  readonly failover: {
    readonly check_interval_ms: number;
    readonly leave_below: number;
    readonly take_at_least: number;
    readonly failback: string;
    readonly failback_after_ms: number;
    readonly failback_at_most_ms: number;
    readonly abort_flows: boolean;
  };
  readonly operation: { readonly timeout_ms: number; readonly retry_min_ms: number; readonly retry_max_ms: number };
  readonly routing: { readonly metric: number; readonly table_base: number; readonly rule_base: number };
  readonly tunnels: readonly TunnelSettings[];
  readonly warnings: readonly ConfigProblemDocument[];
}

/**
 * The configuration under the names of its file.
 *
 * Every setting that is shown is named here: one that is added to the configuration stays hidden until
 * somebody has decided that it is no secret.
 */
export function configDocument(config: Config): ConfigDocument {
  const { core, exposure, mcp, routing } = config;
  return {
    core: {
      log_level: core.logLevel,
      state_dir: core.stateDir,
      api_bind: core.apiBind,
      api_port: core.apiPort,
      api_socket: core.apiSocket,
      api_socket_group: core.apiSocketGroup === null ? null : String(core.apiSocketGroup),
      api_token_file: core.apiTokenFile,
      api_allow_origin: core.apiAllowOrigin,
      api_trusted_hosts: core.apiTrustedHosts,
    },
    exposure: {
      mode: exposure.mode,
      socks5: proxySettings(exposure.socks5),
      proxy: { udp_base_port: exposure.proxy.udpBasePort, tcp_base_port: exposure.proxy.tcpBasePort },
    },
    ...policies(config),
    routing: { metric: routing.metric, table_base: routing.tableBase, rule_base: routing.ruleBase },
    mcp: { enabled: mcp.enabled, socket: mcp.socket, http: mcp.http, allow_control: mcp.allowControl },
    relay: {
      max_flows: config.relay.maxFlows,
      max_flows_per_client: config.relay.maxFlowsPerClient,
      engine: config.relay.engine,
      low_latency: config.relay.lowLatency,
    },
    mappings: config.mappings.map(mappingSettings),
    tunnels: config.tunnels.map(tunnelSettings),
    warnings: config.warnings.map(configProblemDocument),
  };
}

function proxySettings(socks5: Socks5Config): ConfigDocument['exposure']['socks5'] {
  const network = ({ address, length }: AddressRange): string => `${address}/${length}`;
  const destination = (range: DestinationRange): string =>
    range.port === null ? network(range) : `[${network(range)}]:${range.port}`;
  return {
    enabled: socks5.enabled,
    bind: socks5.bind,
    port: socks5.port,
    users_file: socks5.usersFile,
    allow_clients: socks5.allowClients.map(network),
    allow_destinations: socks5.allowDestinations.map(destination),
    deny_destinations: socks5.denyDestinations.map(destination),
    ipv4: socks5.ipv4,
    race_tunnels: socks5.raceTunnels,
    resolver: socks5.resolver,
  };
}

function policies({ health, failover, operation }: Config): Pick<ConfigDocument, 'health' | 'failover' | 'operation'> {
  return {
    health: {
      targets: health.targets,
      method: health.method,
      port: health.port,
      probe_interval_ms: health.interval,
      quick_interval_ms: health.quickInterval,
      deadline_min_ms: health.deadline.min,
      deadline_max_ms: health.deadline.max,
      window_ms: health.window.slots * health.window.slot,
      slot_ms: health.window.slot,
      misses_soft: health.missesToSoftDown,
      misses_hard: health.missesToHardDown,
      hard_down_after_ms: health.hardDownAfter,
      replies_alive: health.repliesToAlive,
    },
    failover: {
      check_interval_ms: failover.checkInterval,
      leave_below: failover.leaveBelow,
      take_at_least: failover.takeAtLeast,
      failback: failover.failback,
      failback_after_ms: failover.failbackAfter,
      failback_at_most_ms: failover.failbackAtMost,
      abort_flows: failover.abortFlows,
    },
    operation: {
      timeout_ms: operation.timeout,
      retry_min_ms: operation.retryMin,
      retry_max_ms: operation.retryMax,
    },
  };
}

export function configProblemDocument({ line, where, problem }: ConfigProblem): ConfigProblemDocument {
  return { line, where, problem };
}

function mappingSettings(mapping: MappingConfig): MappingSettings {
  return {
    name: mapping.name,
    enabled: mapping.enabled,
    protocol: mapping.protocol,
    internal_host: mapping.internalHost,
    internal_port: mapping.internalPort,
    external_port: mapping.externalPort,
    v6_address: mapping.v6Address,
    direction: mapping.direction,
    target: mapping.target,
    proxy_protocol: mapping.proxyProtocol,
    description: mapping.description,
  };
}

function tunnelSettings(tunnel: TunnelConfig): TunnelSettings {
  const isHe = tunnel.type === 'he_6in4';
  return {
    name: tunnel.name,
    type: tunnel.type,
    iface: tunnel.iface,
    enabled: tunnel.enabled,
    priority: tunnel.priority,
    v6_prefix: tunnel.address,
    prefix_len: tunnel.prefixLength,
    endpoint_ipv4: isHe ? tunnel.endpoint : null,
    local_ipv4: isHe ? tunnel.local : null,
    gateway: tunnel.type === 'external' ? tunnel.gateway : null,
    pop_address: tunnel.popAddress ?? null,
    mtu: isHe ? tunnel.mtu : null,
  };
}
