import type { Config, ConfigProblem, MappingConfig, TunnelConfig } from '@hurricane/core';
import type { ConfigDocument, ConfigProblemDocument, MappingSettings, TunnelSettings } from './documents.js';

/**
 * The configuration under the names of its file.
 *
 * Every setting that is shown is named here: one that is added to the configuration stays hidden until
 * somebody has decided that it is no secret.
 */
export function configDocument(config: Config): ConfigDocument {
  const { core, exposure, routing } = config;
  return {
    core: {
      log_level: core.logLevel,
      state_dir: core.stateDir,
      api_bind: core.apiBind,
      api_port: core.apiPort,
    },
    exposure: {
      mode: exposure.mode,
      socks5: { bind: exposure.socks5.bind, port: exposure.socks5.port },
      proxy: { udp_base_port: exposure.proxy.udpBasePort, tcp_base_port: exposure.proxy.tcpBasePort },
    },
    ...policies(config),
    routing: { metric: routing.metric, table_base: routing.tableBase, rule_base: routing.ruleBase },
    relay: { max_flows: config.relay.maxFlows, max_flows_per_client: config.relay.maxFlowsPerClient },
    mappings: config.mappings.map(mappingSettings),
    tunnels: config.tunnels.map(tunnelSettings),
    warnings: config.warnings.map(problemOf),
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

export function problemOf({ line, where, problem }: ConfigProblem): ConfigProblemDocument {
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
