import { type Config, describeConfigProblem, parseConfig } from '@hurricane/core';
import type { Result } from 'neverthrow';
import type { Encapsulation } from './options.js';
import type { PlaygroundError } from './problems.js';
import { CLIENT_V4, INTERNET, PROVIDERS, type Provider } from './topology.js';

export interface ConfigurationInput {
  readonly encapsulation: Encapsulation;
  readonly port: number;
  readonly stateFolder: string;
}

/** How long a repaired provider must have been well before it carries traffic again: short enough to watch. */
export const FAILBACK_SECONDS = 10;

/** What the gateway of a playground is told: a configuration like any other, but for its addresses. */
export function configurationText({ encapsulation, port, stateFolder }: ConfigurationInput): string {
  return `# The playground's configuration. A real one looks the same, with a provider's addresses.

[core]
api_bind = 127.0.0.1
api_port = ${port}
state_dir = ${stateFolder}

[mcp]
socket = ${stateFolder}/mcp.sock

${PROVIDERS.map((provider) => tunnelSection(provider, encapsulation)).join('\n')}
[health]
targets = ${INTERNET.join(', ')}

[failover]
# A minute by default; shorter here, so that there is something to see.
failback_after = ${FAILBACK_SECONDS}s
failback_at_most = ${2 * FAILBACK_SECONDS}s
`;
}

function tunnelSection(provider: Provider, encapsulation: Encapsulation): string {
  const { name, iface, v4, client, server, priority } = provider;
  const kind =
    encapsulation === 'veth'
      ? ['type = external', `gateway = ${server}`]
      : ['type = he_6in4', `endpoint_ipv4 = ${v4}`, `local_ipv4 = ${CLIENT_V4}`];
  const [type, ...details] = kind;
  const lines = [
    `[tunnel.${name}]`,
    type,
    `iface = ${iface}`,
    ...details,
    `v6_prefix = ${client}`,
    'prefix_len = 64',
    `priority = ${priority}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** @param file for the problems' sake. */
export function readConfiguration(text: string, file: string): Result<Config, PlaygroundError> {
  return parseConfig(text).mapErr((problems) => ({
    kind: 'bad_configuration',
    problems: problems.map((problem) => describeConfigProblem(file, problem)),
  }));
}
