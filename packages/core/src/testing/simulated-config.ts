import {
  CORE_DEFAULTS,
  EXPOSURE_DEFAULTS,
  FAILOVER_DEFAULTS,
  HEALTH_DEFAULTS,
  MCP_DEFAULTS,
  OPERATION_DEFAULTS,
  RELAY_DEFAULTS,
  ROUTING_DEFAULTS,
} from '../config/defaults.js';
import type {
  Config,
  FailoverPolicy,
  HealthPolicy,
  OperationPolicy,
  TunnelConfig,
  TunnelType,
} from '../config/model.js';

export interface SimulatedConfigOptions {
  readonly tunnels: readonly TunnelConfig[];
  readonly health?: Partial<HealthPolicy>;
  readonly failover?: Partial<FailoverPolicy>;
  readonly operation?: Partial<OperationPolicy>;
}

/** Two hosts of the documentation prefix (RFC 3849). */
export const SIMULATED_TARGETS: readonly [string, string] = ['2001:db8:ffff::1', '2001:db8:ffff::2'];

/** The defaults, with these tunnels and changes. */
export function simulatedConfig({ tunnels, health, failover, operation }: SimulatedConfigOptions): Config {
  return {
    core: CORE_DEFAULTS,
    mcp: MCP_DEFAULTS,
    exposure: EXPOSURE_DEFAULTS,
    tunnels,
    health: { ...HEALTH_DEFAULTS, targets: SIMULATED_TARGETS, ...health },
    failover: { ...FAILOVER_DEFAULTS, ...failover },
    operation: { ...OPERATION_DEFAULTS, ...operation },
    routing: ROUTING_DEFAULTS,
    relay: RELAY_DEFAULTS,
    mappings: [],
    warnings: [],
  };
}

export interface SimulatedTunnelOptions {
  readonly type?: TunnelType;
  readonly iface?: string;
  readonly enabled?: boolean;
  readonly priority?: number;
  readonly address?: string;
}

/** A tunnel on the interface `<name>0`, of type WireGuard unless it says otherwise. */
export function simulatedTunnel(name: string, options: SimulatedTunnelOptions = {}): TunnelConfig {
  const { type = 'wireguard', iface = `${name}0`, enabled = true, priority = 0, address = null } = options;
  const base = { name, iface, enabled, priority, address, prefixLength: 64 };
  switch (type) {
    case 'he_6in4':
      return { ...base, type, endpoint: '192.0.2.1', local: null, mtu: null };
    case 'external':
      return { ...base, type, gateway: null };
    case 'wireguard':
    case 'mullvad':
      return { ...base, type };
  }
}
