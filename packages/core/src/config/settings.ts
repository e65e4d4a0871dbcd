import type { AddressRange, Ipv6Prefix } from '../address.js';
import type { Millis } from '../units.js';
import { groupNameOrId, hostAuthority, listOf, orNone, socketPath, webOrigin } from './access-readers.js';
import {
  type Filled,
  fillable,
  ipv4Host,
  ipv6Host,
  type Listen,
  listenAddress,
  listenAddressAndPort,
  probeTargets,
  tunnelPrefix,
} from './address-readers.js';
import * as bounds from './bounds.js';
import {
  CORE_DEFAULTS,
  EXPOSURE_DEFAULTS,
  FAILOVER_DEFAULTS,
  HEALTH_DEFAULTS,
  MCP_DEFAULTS,
  OPERATION_DEFAULTS,
  ROUTING_DEFAULTS,
} from './defaults.js';
import type {
  CoreConfig,
  DestinationRange,
  ExposureMode,
  FailoverPolicy,
  HealthPolicy,
  Ipv4Policy,
  McpConfig,
  OperationPolicy,
  RoutingPolicy,
  TunnelType,
} from './model.js';
import { PORTS_SETTINGS } from './ports.js';
import { absentLayer, absolutePath, anyText, duration, type Reader, wholeNumber, word, yesOrNo } from './readers.js';
import { MAPPING_SETTINGS, RELAY_SETTINGS } from './relay-settings.js';
import { type Setting, type SettingsOf, type Spelling, setting, spellingsOf, TUNNEL } from './setting.js';
import { clientRanges, destinationRanges, nameServers } from './socks5-readers.js';

// The one table of what a configuration can say. Parsing, suggestions and the test that holds
// docs/configuration.md and the example to it all read it from here.

export interface ExposureValues {
  readonly mode: ExposureMode;
  readonly socksListen: Listen;
  /** Null: the port in `socksListen`. */
  readonly socksPort: number | null;
  readonly socksEnabled: boolean;
  readonly socksUsersFile: string | null;
  readonly socksAllowClients: readonly AddressRange[];
  readonly socksAllowDestinations: readonly DestinationRange[];
  readonly socksDenyDestinations: readonly DestinationRange[];
  readonly socksIpv4: Ipv4Policy;
  readonly socksRaceTunnels: boolean;
  readonly socksResolver: readonly string[] | null;
  readonly udpBasePort: number;
  readonly tcpBasePort: number;
}

/** `HealthPolicy` with the parts of its parts side by side. */
export interface HealthValues extends Omit<HealthPolicy, 'deadline' | 'window'> {
  readonly deadlineMin: Millis;
  readonly deadlineMax: Millis;
  readonly window: Millis;
  readonly slot: Millis;
}

export interface TunnelValues {
  readonly name: string | null;
  readonly type: TunnelType | null;
  readonly iface: string | null;
  readonly enabled: boolean;
  readonly priority: number;
  readonly prefix: Filled<Ipv6Prefix>;
  readonly prefixLength: number | null;
  readonly endpoint: Filled<string>;
  readonly local: Filled<string>;
  readonly gateway: Filled<string>;
  readonly popAddress: Filled<string>;
  readonly mtu: number | null;
}

/** What the seed's later versions had and this gateway has not. */
export interface AbsentLayers {
  readonly cryptoEnabled: false;
  readonly cryptoKeyfile: string;
  readonly hardwareEnabled: false;
  readonly hardwareMethod: string;
  readonly hardwareFallback: string;
  readonly hardwareTimeout: string;
}

export const TUNNEL_TYPES: readonly TunnelType[] = ['he_6in4', 'wireguard', 'mullvad', 'external'];

export const CORE_SETTINGS: SettingsOf<CoreConfig> = {
  logLevel: setting('core', 'log_level', word(['debug', 'info', 'warn', 'error']), CORE_DEFAULTS.logLevel),
  stateDir: setting('core', 'state_dir', absolutePath, CORE_DEFAULTS.stateDir),
  apiBind: setting('core', 'api_bind', listenAddress, CORE_DEFAULTS.apiBind, [{ section: 'api', key: 'bind' }]),
  apiPort: setting('core', 'api_port', wholeNumber(bounds.PORTS), CORE_DEFAULTS.apiPort, [
    { section: 'api', key: 'port' },
  ]),
  apiSocket: setting('core', 'api_socket', orNone(socketPath), CORE_DEFAULTS.apiSocket),
  apiSocketGroup: setting('core', 'api_socket_group', orNone(groupNameOrId), CORE_DEFAULTS.apiSocketGroup),
  apiTokenFile: setting('core', 'api_token_file', orNone(absolutePath), CORE_DEFAULTS.apiTokenFile),
  apiAllowOrigin: setting('core', 'api_allow_origin', listOf('origin', webOrigin), CORE_DEFAULTS.apiAllowOrigin),
  apiTrustedHosts: setting('core', 'api_trusted_hosts', listOf('host', hostAuthority), CORE_DEFAULTS.apiTrustedHosts),
};

export const MCP_SETTINGS: SettingsOf<McpConfig> = {
  enabled: setting('mcp', 'enabled', yesOrNo, MCP_DEFAULTS.enabled),
  socket: setting('mcp', 'socket', socketPath, MCP_DEFAULTS.socket),
  http: setting('mcp', 'http', yesOrNo, MCP_DEFAULTS.http),
  allowControl: setting('mcp', 'allow_control', yesOrNo, MCP_DEFAULTS.allowControl),
};

export const EXPOSURE_SETTINGS: SettingsOf<ExposureValues> = {
  mode: setting('exposure', 'mode', word(['kernel', 'proxy', 'socks5']), EXPOSURE_DEFAULTS.mode),
  socksListen: setting('exposure.socks5', 'bind', listenAddressAndPort, {
    address: EXPOSURE_DEFAULTS.socks5.bind,
    port: null,
  }),
  socksPort: setting<number | null>('exposure.socks5', 'port', wholeNumber(bounds.PORTS), null),
  socksEnabled: socks('enabled', yesOrNo, EXPOSURE_DEFAULTS.socks5.enabled),
  socksUsersFile: socks('users_file', orNone(absolutePath), EXPOSURE_DEFAULTS.socks5.usersFile),
  socksAllowClients: socks('allow_clients', clientRanges, EXPOSURE_DEFAULTS.socks5.allowClients),
  socksAllowDestinations: socks('allow_destinations', destinationRanges, EXPOSURE_DEFAULTS.socks5.allowDestinations),
  socksDenyDestinations: socks('deny_destinations', destinationRanges, EXPOSURE_DEFAULTS.socks5.denyDestinations),
  socksIpv4: socks('ipv4', word(['prefer6', 'only6', 'allow4']), EXPOSURE_DEFAULTS.socks5.ipv4),
  socksRaceTunnels: socks('race_tunnels', yesOrNo, EXPOSURE_DEFAULTS.socks5.raceTunnels),
  socksResolver: socks('resolver', nameServers, EXPOSURE_DEFAULTS.socks5.resolver),
  udpBasePort: setting(
    'exposure.proxy',
    'udp_base_port',
    wholeNumber(bounds.PORTS),
    EXPOSURE_DEFAULTS.proxy.udpBasePort,
  ),
  tcpBasePort: setting(
    'exposure.proxy',
    'tcp_base_port',
    wholeNumber(bounds.PORTS),
    EXPOSURE_DEFAULTS.proxy.tcpBasePort,
  ),
};

export const HEALTH_SETTINGS: SettingsOf<HealthValues> = {
  targets: setting('health', 'targets', probeTargets, HEALTH_DEFAULTS.targets),
  method: setting('health', 'method', word(['auto', 'icmp', 'tcp', 'udp']), HEALTH_DEFAULTS.method),
  port: setting('health', 'port', wholeNumber(bounds.PORTS), HEALTH_DEFAULTS.port),
  interval: setting('health', 'probe_interval', duration(bounds.PROBE_INTERVALS), HEALTH_DEFAULTS.interval),
  quickInterval: setting('health', 'quick_interval', duration(bounds.QUICK_INTERVALS), HEALTH_DEFAULTS.quickInterval),
  deadlineMin: setting('health', 'deadline_min', duration(bounds.DEADLINES), HEALTH_DEFAULTS.deadline.min),
  deadlineMax: setting('health', 'deadline_max', duration(bounds.DEADLINES), HEALTH_DEFAULTS.deadline.max),
  window: setting(
    'health',
    'window',
    duration(bounds.WINDOWS),
    HEALTH_DEFAULTS.window.slots * HEALTH_DEFAULTS.window.slot,
  ),
  slot: setting('health', 'slot', duration(bounds.SLOTS), HEALTH_DEFAULTS.window.slot),
  missesToSoftDown: setting('health', 'misses_soft', wholeNumber(bounds.MISSES), HEALTH_DEFAULTS.missesToSoftDown),
  missesToHardDown: setting('health', 'misses_hard', wholeNumber(bounds.MISSES), HEALTH_DEFAULTS.missesToHardDown),
  hardDownAfter: setting('health', 'hard_down_after', duration(bounds.HARD_DOWN_AFTER), HEALTH_DEFAULTS.hardDownAfter),
  repliesToAlive: setting('health', 'replies_alive', wholeNumber(bounds.MISSES), HEALTH_DEFAULTS.repliesToAlive),
};

export const FAILOVER_SETTINGS: SettingsOf<FailoverPolicy> = {
  checkInterval: setting(
    'failover',
    'check_interval',
    duration(bounds.CHECK_INTERVALS),
    FAILOVER_DEFAULTS.checkInterval,
  ),
  leaveBelow: setting('failover', 'leave_below', wholeNumber(bounds.SCORES), FAILOVER_DEFAULTS.leaveBelow),
  takeAtLeast: setting('failover', 'take_at_least', wholeNumber(bounds.SCORES), FAILOVER_DEFAULTS.takeAtLeast),
  failback: setting('failover', 'failback', word(['auto', 'never']), FAILOVER_DEFAULTS.failback),
  failbackAfter: setting('failover', 'failback_after', duration(bounds.FAILBACKS), FAILOVER_DEFAULTS.failbackAfter),
  failbackAtMost: setting('failover', 'failback_at_most', duration(bounds.FAILBACKS), FAILOVER_DEFAULTS.failbackAtMost),
  abortFlows: setting('failover', 'abort_flows', yesOrNo, FAILOVER_DEFAULTS.abortFlows),
};

export const OPERATION_SETTINGS: SettingsOf<OperationPolicy> = {
  timeout: setting('operation', 'timeout', duration(bounds.OPERATION_TIMEOUTS), OPERATION_DEFAULTS.timeout),
  retryMin: setting('operation', 'retry_min', duration(bounds.RETRIES), OPERATION_DEFAULTS.retryMin),
  retryMax: setting('operation', 'retry_max', duration(bounds.RETRIES), OPERATION_DEFAULTS.retryMax),
};

export const ROUTING_SETTINGS: SettingsOf<RoutingPolicy> = {
  metric: setting('routing', 'metric', wholeNumber(bounds.METRICS), ROUTING_DEFAULTS.metric),
  tableBase: setting('routing', 'table_base', wholeNumber(bounds.TABLES), ROUTING_DEFAULTS.tableBase),
  ruleBase: setting('routing', 'rule_base', wholeNumber(bounds.RULES), ROUTING_DEFAULTS.ruleBase),
};

export const TUNNEL_SETTINGS: SettingsOf<TunnelValues> = {
  name: setting<string | null>(TUNNEL, 'name', anyText, null),
  type: setting<TunnelType | null>(TUNNEL, 'type', word(TUNNEL_TYPES), null),
  iface: setting<string | null>(TUNNEL, 'iface', anyText, null),
  enabled: setting(TUNNEL, 'enabled', yesOrNo, true),
  priority: setting(TUNNEL, 'priority', wholeNumber(bounds.PRIORITIES), 0),
  prefix: mayBeBlank('v6_prefix', tunnelPrefix),
  prefixLength: setting<number | null>(TUNNEL, 'prefix_len', wholeNumber(bounds.PREFIX_LENGTHS), null),
  endpoint: mayBeBlank('endpoint_ipv4', ipv4Host),
  local: mayBeBlank('local_ipv4', ipv4Host),
  gateway: mayBeBlank('gateway', ipv6Host),
  popAddress: mayBeBlank('pop_address', ipv6Host),
  mtu: setting<number | null>(TUNNEL, 'mtu', wholeNumber(bounds.MTUS), null),
};

const CRYPTOGRAPHY = 'an authenticated and encrypted API';
const HARDWARE = 'hardware authentication';

export const ABSENT_LAYERS: SettingsOf<AbsentLayers> = {
  cryptoEnabled: setting('crypto', 'crypto_enabled', absentLayer(CRYPTOGRAPHY), false, [
    { section: 'crypto', key: 'enabled' },
  ]),
  cryptoKeyfile: ignored('crypto', 'crypto_keyfile', [{ section: 'crypto', key: 'keyfile' }]),
  hardwareEnabled: setting('hwauth', 'enabled', absentLayer(HARDWARE), false),
  hardwareMethod: ignored('hwauth', 'required_method'),
  hardwareFallback: ignored('hwauth', 'allow_fallback'),
  hardwareTimeout: ignored('hwauth', 'timeout'),
};

/** Every way to write every setting; those of tunnels and mappings in `tunnel.NAME` and `mapping.NAME`. */
export const KNOWN_SPELLINGS: readonly Spelling[] = [
  ...everySpelling(CORE_SETTINGS),
  ...everySpelling(MCP_SETTINGS),
  ...everySpelling(EXPOSURE_SETTINGS),
  ...everySpelling(TUNNEL_SETTINGS),
  ...everySpelling(HEALTH_SETTINGS),
  ...everySpelling(FAILOVER_SETTINGS),
  ...everySpelling(OPERATION_SETTINGS),
  ...everySpelling(ROUTING_SETTINGS),
  ...everySpelling(RELAY_SETTINGS),
  ...everySpelling(MAPPING_SETTINGS),
  ...everySpelling(PORTS_SETTINGS),
  ...everySpelling(ABSENT_LAYERS),
];

function everySpelling<T extends object>(table: SettingsOf<T>): readonly Spelling[] {
  return Object.values<Setting<unknown>>(table).flatMap(spellingsOf);
}

function socks<T>(key: string, read: Reader<T>, fallback: T): Setting<T> {
  return setting('exposure.socks5', key, read, fallback);
}

function mayBeBlank<T>(key: string, read: Reader<T>): Setting<Filled<T>> {
  return { ...setting<Filled<T>>(TUNNEL, key, fillable(read), { kind: 'blank' }), mayBeEmpty: true };
}

function ignored(section: string, key: string, also: readonly Spelling[] = []): Setting<string> {
  return { ...setting(section, key, anyText, '', also), mayBeEmpty: true };
}
