import { printableWithin } from './printable.js';
import type { HealthDocument, TunnelRow } from './status-document.js';

const HEADINGS = ['', 'TUNNEL', 'STATE', 'HEALTH', 'LATENCY', 'LOSS', 'INTERFACE', 'PREFIX', 'TYPE'] as const;

/** Characters of one cell. The API's names are shorter; anything longer is not from it. */
const CELL = 64;

/** Characters of one explanation. */
const REASON = 400;

/** The tunnels and their health for people, one line each; the primary is marked with a star. */
export function statusTable(health: HealthDocument, tunnels: readonly TunnelRow[]): readonly string[] {
  const rows = [HEADINGS, ...tunnels.map(cellsOf)].map((row) => row.map((cell) => printableWithin(CELL, cell)));
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const reasons = health.reasons.map((reason) => `  ${printableWithin(REASON, reason)}`);
  return [headline(health), ...reasons, '', ...(tunnels.length === 0 ? ['There are no tunnels.'] : lines)];
}

function headline({ status, primary, latency }: HealthDocument): string {
  const through = primary === null ? '' : ` through ${printableWithin(CELL, primary)}`;
  const how = latency === null ? '' : `, ${milliseconds(latency)}`;
  return `IPv6: ${printableWithin(CELL, status)}${through}${how}`;
}

function cellsOf(tunnel: TunnelRow): readonly string[] {
  return [
    tunnel.primary ? '*' : '',
    tunnel.name,
    tunnel.enabled || tunnel.state !== 'down' ? tunnel.state : 'off',
    tunnel.score === null ? '-' : `${tunnel.score}`,
    tunnel.latency === null ? '-' : milliseconds(tunnel.latency),
    tunnel.loss === null ? '-' : `${Math.round(tunnel.loss * 100)} %`,
    tunnel.iface,
    tunnel.prefix ?? '-',
    tunnel.type,
  ];
}

/** The documents round to whole milliseconds. */
const milliseconds = (latency: number): string => (latency === 0 ? '<1 ms' : `${latency} ms`);
