import { basename, relative } from 'node:path';
import type { TunnelsView, TunnelView } from '@hurricane/core';
import { FAILBACK_SECONDS } from './configuration.js';
import type { Stage } from './stage.js';
import { CLIENT_V4, INTERNET, PROVIDERS } from './topology.js';

export interface ScreenInput {
  readonly stage: Pick<Stage, 'kind' | 'notes' | 'url' | 'configuration' | 'namespace'>;
  readonly tunnels: TunnelsView;
  /** How this program is called from the person's shell, such as `hurricane`. */
  readonly program: string;
  /** Whether single keys are read. */
  readonly keys: boolean;
}

/** What a person sees first: what was built, where it listens, and what to try. */
export function startScreen({ stage, tunnels, program, keys }: ScreenInput): string {
  const { url, namespace } = stage;
  const isSimulated = stage.kind === 'simulated';
  const [first] = PROVIDERS;
  const sudo = program.startsWith('sudo ') ? 'sudo ' : '';
  const cut = `${program} playground cut ${first.name}`;
  const tries: readonly (readonly [string, string])[] = [
    [`curl ${url}/health`, ''],
    [`curl ${url}/v6/address`, ''],
    [`curl ${url}/tunnels`, ''],
    [cut, 'and watch the failover here'],
    [`${program} playground restore ${first.name}`, `traffic comes back after ${FAILBACK_SECONDS} s of good health`],
    ...(namespace === null
      ? []
      : [[`${sudo}ip netns exec ${namespace} curl -g http://[${INTERNET[0]}]/`, 'be an application'] as const]),
  ];
  const width = Math.max(...tries.slice(0, 5).map(([command]) => command.length));
  const sections = [
    ...(isSimulated ? [stage.notes] : []),
    PICTURE,
    facts(stage, tunnels),
    [
      'Try in another terminal:',
      ...tries.map(([what, why]) => `  ${why === '' ? what : `${what.padEnd(width)}   # ${why}`}`),
    ],
    [keys ? keyLine() : 'Ends on Ctrl-C, and removes all it has made.'],
    ['What the gateway says:'],
  ];
  return `\n${sections.map((lines) => `${lines.join('\n')}\n`).join('\n')}`;
}

const PICTURE: readonly string[] = ((): readonly string[] => {
  const [north, south] = PROVIDERS;
  const label = ({ name, v4 }: (typeof PROVIDERS)[number]): string => `${name} (${v4})`;
  const width = Math.max(label(north).length, label(south).length);
  const line = (provider: (typeof PROVIDERS)[number]): string => label(provider).padEnd(width);
  return [
    `                            .--- ${line(north)} ---.`,
    `  gateway --- IPv4 only ---<      ${' '.repeat(width)}      >--- IPv6 Internet`,
    `  ${CLIENT_V4.padEnd(26)}'--- ${line(south)} ---'     ${INTERNET[0]}`,
  ];
})();

function facts(stage: ScreenInput['stage'], { tunnels }: TunnelsView): readonly string[] {
  const width = Math.max(...tunnels.map((tunnel) => tunnel.name.length));
  const addresses = tunnels.map((tunnel) => {
    const client = PROVIDERS.find((provider) => provider.name === tunnel.name)?.client ?? '';
    return `${tunnel.name.padEnd(width)}  ${client}/64 on ${tunnel.iface}${tunnel.primary ? ', primary' : ''}`;
  });
  return [
    ...labelled('Tunnels', stage.kind === 'real' ? stage.notes : ['simulated.']),
    ...labelled('Addresses', addresses),
    ...labelled('REST API', [stage.url]),
    ...labelled('Configuration', [stage.configuration]),
  ];
}

const labelled = (label: string, lines: readonly string[]): readonly string[] =>
  lines.map((line, index) => `${(index === 0 ? label : '').padEnd(15)}${line}`);

function keyLine(): string {
  const toggles = PROVIDERS.map(({ name }, index) => `${index + 1} cut or restore ${name}`);
  return `Keys: ${[...toggles, 's status', 'q quit'].join(' - ')}`;
}

/** The tunnels as a table, for the key `s` and the command `status`. */
export function statusTable({ tunnels }: TunnelsView): string {
  const rows = [['', 'TUNNEL', 'STATE', 'HEALTH', 'LATENCY', 'LOSS', 'PREFIX', 'CARRIED BY'], ...tunnels.map(rowOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function rowOf(tunnel: TunnelView): readonly string[] {
  return [
    tunnel.primary ? '*' : ' ',
    tunnel.name,
    tunnel.state === 'up' && tunnel.reachable === false ? 'unreachable' : tunnel.state,
    tunnel.score === null ? '-' : `${tunnel.score}/100`,
    latencyText(tunnel.latency_ms),
    tunnel.loss === null ? '-' : `${Math.round(tunnel.loss * 100)} %`,
    tunnel.v6_prefix ?? '-',
    tunnel.carrier ?? '-',
  ];
}

function latencyText(latency: number | null): string {
  if (latency === null) return '-';
  return latency < 1 ? '< 1 ms' : `${latency} ms`;
}

/**
 * How this program was called, so that what we print can be typed: `hurricane` where it is installed,
 * else node and the path from where the person is.
 *
 * @param self the command line that runs this program.
 */
export function programName(self: readonly string[], env: NodeJS.ProcessEnv, cwd: string): string {
  const script = self.at(-1) ?? '';
  const name = basename(script);
  const path = relative(cwd, script);
  const isInstalled = name === 'hurricane' || name === 'v6-gatewayd';
  const program = isInstalled ? name : `node ${path.startsWith('..') ? script : path}`;
  return env['SUDO_USER'] === undefined ? program : `sudo ${program}`;
}
