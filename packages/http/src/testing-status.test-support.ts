import type { Config, GatewayStatus, HealthSummary, LinkReading, TunnelConfig, TunnelStatus } from '@hurricane/core';
import {
  CORE_DEFAULTS,
  EXPOSURE_DEFAULTS,
  FAILOVER_DEFAULTS,
  HEALTH_DEFAULTS,
  MCP_DEFAULTS,
  OPERATION_DEFAULTS,
  RELAY_DEFAULTS,
  ROUTING_DEFAULTS,
} from '@hurricane/core';

/** The moment of the seed's samples. */
export const SAMPLE_TIME = 1_699_564_234;

export const HEALTHY: HealthSummary = { reachable: true, latency: 35, loss: 0, score: 100 };

/** The tunnel of the seed's samples: `he0`, up, alive at 35 ms, primary. */
export function aTunnel(overrides: Partial<TunnelStatus> = {}): TunnelStatus {
  return {
    config: heTunnel('he', 'he0'),
    state: 'up',
    fault: null,
    faultPlace: null,
    mtuBlackHole: false,
    liveness: 'alive',
    health: HEALTHY,
    reading: aReading(),
    lastCheck: SAMPLE_TIME,
    primary: true,
    ...overrides,
  };
}

export function heTunnel(name: string, iface: string): TunnelConfig {
  return {
    name,
    iface,
    type: 'he_6in4',
    enabled: true,
    priority: 0,
    address: '2001:db8:1234:5678::2',
    prefixLength: 64,
    endpoint: '192.0.2.1',
    local: null,
    mtu: null,
  };
}

export function aReading(overrides: Partial<LinkReading> = {}): LinkReading {
  return {
    link: 'up',
    address: '2001:db8:1234:5678::2',
    prefixLength: 64,
    gateway: null,
    mtu: 1480,
    counters: { rx: 1_234_567n, tx: 987_654n },
    carrier: 'kernel sit',
    ...overrides,
  };
}

export function aStatus(
  tunnels: readonly TunnelStatus[] = [aTunnel()],
  overrides: Partial<GatewayStatus> = {},
): GatewayStatus {
  return {
    phase: 'running',
    config: configOf(tunnels),
    primary: tunnels.find((tunnel) => tunnel.primary)?.config.name ?? null,
    preferred: null,
    stranded: false,
    targetsSilent: false,
    tunnels,
    at: SAMPLE_TIME,
    ...overrides,
  };
}

function configOf(tunnels: readonly TunnelStatus[]): Config {
  return {
    core: CORE_DEFAULTS,
    mcp: MCP_DEFAULTS,
    exposure: EXPOSURE_DEFAULTS,
    tunnels: tunnels.map((tunnel) => tunnel.config),
    health: HEALTH_DEFAULTS,
    failover: FAILOVER_DEFAULTS,
    operation: OPERATION_DEFAULTS,
    routing: ROUTING_DEFAULTS,
    relay: RELAY_DEFAULTS,
    mappings: [],
    warnings: [],
  };
}
