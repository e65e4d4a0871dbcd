import type {
  CoreConfig,
  ExposureConfig,
  FailoverPolicy,
  HealthPolicy,
  McpConfig,
  OperationPolicy,
  RelayPolicy,
  RoutingPolicy,
} from './model.js';

export const CORE_DEFAULTS: CoreConfig = {
  logLevel: 'info',
  stateDir: '/var/lib/v6-gatewayd',
  apiBind: '127.0.0.1',
  apiPort: 8642,
  apiSocket: null,
  apiSocketGroup: null,
  apiTokenFile: null,
  apiAllowOrigin: [],
  apiTrustedHosts: [],
};

/** The path is the seed's, which its clients are configured with. */
export const MCP_DEFAULTS: McpConfig = {
  enabled: true,
  socket: '/var/run/v6-gatewayd-mcp.sock',
  http: false,
  allowControl: false,
};

export const EXPOSURE_DEFAULTS: ExposureConfig = {
  mode: 'kernel',
  socks5: {
    enabled: false,
    bind: '127.0.0.1',
    port: 1080,
    usersFile: null,
    allowClients: [],
    allowDestinations: [],
    denyDestinations: [],
    ipv4: 'prefer6',
    raceTunnels: false,
    resolver: null,
  },
  proxy: { udpBasePort: 10_000, tcpBasePort: 20_000 },
};

/** Why these numbers: docs/limits.md. */
export const HEALTH_DEFAULTS: HealthPolicy = {
  targets: ['2001:4860:4860::8888', '2606:4700:4700::1111'],
  method: 'auto',
  port: 53,
  interval: 600,
  quickInterval: 100,
  deadline: { min: 150, max: 1_000 },
  window: { slots: 20, slot: 3_000 },
  missesToSoftDown: 4,
  missesToHardDown: 11,
  hardDownAfter: 2_000,
  repliesToAlive: 3,
};

export const FAILOVER_DEFAULTS: FailoverPolicy = {
  checkInterval: 60_000,
  leaveBelow: 30,
  takeAtLeast: 50,
  failback: 'auto',
  failbackAfter: 60_000,
  failbackAtMost: 3_600_000,
  abortFlows: false,
};

export const OPERATION_DEFAULTS: OperationPolicy = { timeout: 15_000, retryMin: 1_000, retryMax: 60_000 };

export const ROUTING_DEFAULTS: RoutingPolicy = { metric: 2_048, tableBase: 900, ruleBase: 9_000 };

/** Why these numbers: docs/limits.md. */
export const RELAY_DEFAULTS: RelayPolicy = {
  maxFlows: 16_384,
  maxFlowsPerClient: 4_096,
  engine: 'auto',
  lowLatency: false,
};
