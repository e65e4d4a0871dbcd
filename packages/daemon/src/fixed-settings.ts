import type { Config } from '@hurricane/core';

/** A setting that is read at the start only: what it decides is in use from then on. */
interface FixedSetting {
  /** As it is written in the file. */
  readonly name: string;
  readonly of: (config: Config) => string | number | boolean;
}

const FIXED: readonly FixedSetting[] = [
  { name: 'core.api_bind', of: (c) => c.core.apiBind },
  { name: 'core.api_port', of: (c) => c.core.apiPort },
  { name: 'core.api_socket', of: (c) => c.core.apiSocket ?? '' },
  { name: 'core.api_socket_group', of: (c) => c.core.apiSocketGroup ?? '' },
  { name: 'core.api_token_file', of: (c) => c.core.apiTokenFile ?? '' },
  { name: 'core.api_allow_origin', of: (c) => c.core.apiAllowOrigin.join(' ') },
  { name: 'core.api_trusted_hosts', of: (c) => c.core.apiTrustedHosts.join(' ') },
  { name: 'mcp.enabled', of: (c) => c.mcp.enabled },
  { name: 'mcp.socket', of: (c) => c.mcp.socket },
  { name: 'mcp.http', of: (c) => c.mcp.http },
  { name: 'mcp.allow_control', of: (c) => c.mcp.allowControl },
  { name: 'core.state_dir', of: (c) => c.core.stateDir },
  { name: 'exposure.mode', of: (c) => c.exposure.mode },
  { name: 'exposure.socks5', of: (c) => JSON.stringify(c.exposure.socks5) },
  { name: 'health.method', of: (c) => c.health.method },
  { name: 'health.port', of: (c) => c.health.port },
  { name: 'relay.max_flows', of: (c) => c.relay.maxFlows },
  { name: 'relay.max_flows_per_client', of: (c) => c.relay.maxFlowsPerClient },
  { name: 'relay.engine', of: (c) => c.relay.engine },
  { name: 'relay.low_latency', of: (c) => c.relay.lowLatency },
  { name: 'routing.metric', of: (c) => c.routing.metric },
  { name: 'routing.table_base', of: (c) => c.routing.tableBase },
  { name: 'routing.rule_base', of: (c) => c.routing.ruleBase },
];

export interface Adoption {
  /** `next`, with every fixed setting as it was at the start. */
  readonly config: Config;
  /** Names of the fixed settings that `next` would change. */
  readonly waiting: readonly string[];
}

/** What a running daemon can take on of another configuration. */
export function adopt(started: Config, next: Config): Adoption {
  const { method, port } = started.health;
  return {
    config: {
      ...next,
      // Of the core settings only the log level can change while all runs.
      core: { ...started.core, logLevel: next.core.logLevel },
      mcp: started.mcp,
      exposure: started.exposure,
      health: { ...next.health, method, port },
      routing: started.routing,
      relay: started.relay,
    },
    waiting: FIXED.filter((setting) => setting.of(started) !== setting.of(next)).map((setting) => setting.name),
  };
}
