import type { Config } from '@hurricane/core';

/** A setting that is read at the start only: what it decides is in use from then on. */
interface FixedSetting {
  /** As it is written in the file. */
  readonly name: string;
  readonly of: (config: Config) => string | number;
}

const FIXED: readonly FixedSetting[] = [
  { name: 'core.api_bind', of: (c) => c.core.apiBind },
  { name: 'core.api_port', of: (c) => c.core.apiPort },
  { name: 'core.state_dir', of: (c) => c.core.stateDir },
  { name: 'exposure.mode', of: (c) => c.exposure.mode },
  { name: 'health.method', of: (c) => c.health.method },
  { name: 'health.port', of: (c) => c.health.port },
  { name: 'routing.metric', of: (c) => c.routing.metric },
  { name: 'routing.table_base', of: (c) => c.routing.tableBase },
  { name: 'routing.rule_base', of: (c) => c.routing.ruleBase },
];

export interface Adoption {
  /** `next`, with the running configuration's value of every fixed setting. */
  readonly config: Config;
  /** Names of the fixed settings that `next` would change. */
  readonly waiting: readonly string[];
}

/** What a running daemon can take on of another configuration. */
export function adopt(running: Config, next: Config): Adoption {
  const { apiBind, apiPort, stateDir } = running.core;
  const { method, port } = running.health;
  return {
    config: {
      ...next,
      core: { ...next.core, apiBind, apiPort, stateDir },
      exposure: running.exposure,
      health: { ...next.health, method, port },
      routing: running.routing,
    },
    waiting: FIXED.filter((setting) => setting.of(running) !== setting.of(next)).map((setting) => setting.name),
  };
}
