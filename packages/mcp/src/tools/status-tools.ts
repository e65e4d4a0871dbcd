import { addressesView, type GatewayStatus, healthView, tunnelsView } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { inputSchema } from '../json-schema.js';
import { OUTPUT } from '../output-schemas.js';
import type { Sources } from '../sources.js';
import { addressesText, healthText, tunnelsText } from '../texts/status-text.js';
import { LOOKS, type Tool } from '../tool.js';
import type { ToolError } from '../tool-error.js';
import { TUNNEL_NAME } from '../words.js';

/** The seed's three: what `GET /tunnels`, `GET /v6/address` and `GET /health` show. */
export function statusTools({ gateway }: Sources): readonly Tool[] {
  return [
    {
      name: 'get_tunnel_status',
      title: 'Tunnel status',
      description:
        'Every IPv6 tunnel with its state, health score, latency, loss and, where it is broken, why. ' +
        'Start here when something is slow or down.',
      annotations: LOOKS,
      inputSchema: inputSchema({ tunnel: { ...TUNNEL_NAME, description: 'Only this tunnel; left out: all of them.' } }),
      outputSchema: OUTPUT.tunnels,
      atOnce: true,
      run: ({ tunnel }) =>
        chosenIn(gateway.status(), tunnel).map((status) => {
          const document = tunnelsView(status);
          return { document, text: tunnelsText(document) };
        }),
    },
    {
      name: 'get_ipv6_address',
      title: 'IPv6 addresses',
      description:
        "The IPv6 addresses that programs can bind to now, the primary tunnel's first, and whether each is reachable.",
      annotations: LOOKS,
      inputSchema: inputSchema({}),
      outputSchema: OUTPUT.addresses,
      atOnce: true,
      run: () => {
        const document = addressesView(gateway.status());
        return ok({ document, text: addressesText(document) });
      },
    },
    {
      name: 'check_health',
      title: 'Health of the gateway',
      description: 'Whether IPv6 works at all, through which tunnel and how fast; when not all is well, the reasons.',
      annotations: LOOKS,
      inputSchema: inputSchema({}),
      outputSchema: OUTPUT.health,
      atOnce: true,
      run: () => {
        const document = healthView(gateway.status());
        return ok({ document, text: healthText(document) });
      },
    },
  ];
}

/** The same status with that one tunnel only. */
function chosenIn(status: GatewayStatus, tunnel: unknown): Result<GatewayStatus, ToolError> {
  if (typeof tunnel !== 'string') return ok(status);
  return knownTunnel(status, tunnel).map(() => ({
    ...status,
    tunnels: status.tunnels.filter((each) => each.config.name === tunnel),
  }));
}

/** Errs with the names that there are. */
export function knownTunnel({ tunnels }: GatewayStatus, tunnel: string): Result<string, ToolError> {
  const known = tunnels.map((each) => each.config.name);
  return known.includes(tunnel) ? ok(tunnel) : err({ kind: 'unknown_tunnel', tunnel, known });
}
