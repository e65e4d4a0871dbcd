import * as rest from '@hurricane/http/schemas';
import * as mcp from '@hurricane/mcp/schemas';
import { z } from 'zod';

/** What each tool of MCP answers with, as JSON Schema 2020-12: the schemas of REST wherever REST has the document. */
export function outputSchemas(): Readonly<Record<string, unknown>> {
  const history = z.object({
    since: z.int(),
    until: z.int(),
    tunnels: z.array(
      z.object({ tunnel: z.string(), summary: mcp.historySummary, samples: z.array(rest.historySample) }),
    ),
  });
  const events = z.object({
    events: z.array(rest.event).describe('The oldest first.'),
    gap: z.boolean().describe('Events after `since` have been overwritten.'),
    last_id: z.int().min(0).describe('What to give as `since` next.'),
  });
  const schemas = {
    addresses: rest.addresses,
    control: mcp.control,
    diagnosis: mcp.diagnosis,
    events,
    explanation: rest.explanation,
    health: rest.health,
    history,
    mapped: rest.mapped,
    ports: rest.ports,
    probe: rest.probe,
    rehearsal: mcp.rehearsal,
    tunnels: rest.tunnels,
  };
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, jsonSchemaOf(schema)]));
}

function jsonSchemaOf(schema: z.ZodType): unknown {
  const { $schema: _dialect, ...drawn } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'output' });
  return drawn;
}
