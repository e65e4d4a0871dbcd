import { type GatewayError, type Millis, type PortProtocol, parseIpv6, portDocument } from '@hurricane/core';
import { err, ok, type Result, type ResultAsync } from 'neverthrow';
import type { ControlReport, MappedReport } from '../documents.js';
import { type Arguments, inputSchema } from '../json-schema.js';
import { OUTPUT } from '../output-schemas.js';
import type { GatewaySource, Sources } from '../sources.js';
import { portText } from '../texts/port-text.js';
import type { Annotations, Answered, Tool, ToolAnswer } from '../tool.js';
import type { ToolError } from '../tool-error.js';
import { DESCRIPTION, DIRECTION, PROTOCOL, portNumber, TARGET, TUNNEL_NAME, V6_ADDRESS } from '../words.js';
import { mappingsOf, portError, refused } from './port-tools.js';

/** It can cut somebody's connections; asked twice, it has done it once. */
const CHANGES: Annotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: true,
  openWorldHint: false,
};

/** Told once for each use, whatever came of it. */
export type Audit = (line: string) => void;

/** Asked before each change, and counts it: 0, or how long it has to wait. */
export type ChangePace = () => Millis;

/** Tools that change something: they exist only where the configuration allows it. */
export function controlTools(sources: Sources, audit: Audit, pace: ChangePace): readonly Tool[] {
  return [...tunnelTools(sources), ...mappingTools(sources)].map((tool) => paced(audited(tool, audit), pace));
}

function tunnelTools({ gateway }: Sources): readonly Tool[] {
  const one = inputSchema({ tunnel: TUNNEL_NAME }, ['tunnel']);
  return [
    {
      name: 'set_primary',
      title: 'Choose the primary',
      description:
        'Gives a tunnel the default route whenever it is well; "auto": the gateway chooses. Connections that are ' +
        'open stay on the tunnel they began on.',
      annotations: CHANGES,
      inputSchema: inputSchema(
        { tunnel: { ...TUNNEL_NAME, description: 'The name of a tunnel, or "auto" to let the gateway choose.' } },
        ['tunnel'],
      ),
      outputSchema: OUTPUT.control,
      run: ({ tunnel }) => {
        const name = tunnel === 'auto' ? null : String(tunnel);
        return obeyed(gateway, gateway.prefer?.(name), name === null ? 'The gateway chooses' : `${name} is preferred`);
      },
    },
    {
      name: 'tunnel_up',
      title: 'Take a tunnel up',
      description: 'Takes a tunnel up, whatever the configuration says. Progress is told by get_events.',
      annotations: { ...CHANGES, destructiveHint: false },
      inputSchema: one,
      outputSchema: OUTPUT.control,
      run: ({ tunnel }) => obeyed(gateway, gateway.raise?.(String(tunnel)), `Tunnel ${tunnel} is going up`),
    },
    {
      name: 'tunnel_down',
      title: 'Take a tunnel down',
      description: 'Takes a tunnel down until it is taken up again. The default route leaves it first.',
      annotations: CHANGES,
      inputSchema: one,
      outputSchema: OUTPUT.control,
      run: ({ tunnel }) => obeyed(gateway, gateway.lower?.(String(tunnel)), `Tunnel ${tunnel} is going down`),
    },
  ];
}

function mappingTools(sources: Sources): readonly Tool[] {
  return [
    {
      name: 'map_port',
      title: 'Map a port',
      description:
        'Opens a port of a tunnel address that leads to a program on this machine, or the way out to a far end.',
      annotations: { ...CHANGES, destructiveHint: false },
      inputSchema: inputSchema(
        {
          protocol: PROTOCOL,
          internal_port: portNumber('Port on this machine.'),
          external_port: portNumber('Port on the IPv6 address.'),
          v6_address: V6_ADDRESS,
          direction: DIRECTION,
          target: TARGET,
          description: DESCRIPTION,
        },
        ['protocol', 'internal_port', 'external_port'],
      ),
      outputSchema: OUTPUT.mapped,
      run: (given) => mapPort(given, sources),
    },
    {
      name: 'unmap_port',
      title: 'Remove a port mapping',
      description: 'Closes a mapping and what goes through it.',
      annotations: { ...CHANGES, idempotentHint: false },
      inputSchema: inputSchema({ protocol: PROTOCOL, external_port: portNumber('Port on the IPv6 address.') }, [
        'protocol',
        'external_port',
      ]),
      outputSchema: OUTPUT.mapped,
      run: (given) =>
        mappingsOf(sources)
          .asyncAndThen((mappings) =>
            mappings.unmap(protocolIn(given), Number(given['external_port'])).mapErr(portError),
          )
          .map((mapping) => mappedReply('Removed', portDocument(mapping))),
    },
  ];
}

function mapPort(given: Arguments, sources: Sources): ResultAsync<Answered, ToolError> {
  const { v6_address: asked = 'auto', direction, target, description } = given;
  const address = addressIn(String(asked));
  if (address.isErr()) return refused(address.error);
  const request = {
    protocol: protocolIn(given),
    internalPort: Number(given['internal_port']),
    externalPort: Number(given['external_port']),
    v6Address: address.value,
    ...(direction === undefined ? {} : { direction: direction === 'out' ? ('out' as const) : ('in' as const) }),
    ...(target === undefined ? {} : { target: String(target) }),
    ...(description === undefined ? {} : { description: String(description) }),
  };
  return mappingsOf(sources)
    .asyncAndThen((mappings) => mappings.map(request).mapErr(portError))
    .map((mapping) => mappedReply('Mapped', portDocument(mapping)));
}

function mappedReply(word: string, mapping: Omit<MappedReport, 'status'>): Answered {
  const document: MappedReport = { status: 'ok', ...mapping };
  return { document, text: `${word}: ${portText(document)}` };
}

function addressIn(text: string): Result<string, ToolError> {
  if (text === 'auto') return ok(text);
  return parseIpv6(text).mapErr((wrong): ToolError => ({ kind: 'bad_arguments', faults: [`"v6_address" ${wrong}.`] }));
}

const protocolIn = (given: Arguments): PortProtocol => (given['protocol'] === 'udp' ? 'udp' : 'tcp');

/** @param done what the gateway said; undefined: it has no such verb. */
function obeyed(gateway: GatewaySource, done: Result<void, GatewayError> | undefined, said: string): ToolAnswer {
  if (done === undefined) return err({ kind: 'not_offered', what: 'way to change tunnels' });
  if (done.isErr()) return err({ kind: 'gateway', error: done.error });
  const { preferred, primary } = gateway.status();
  const document: ControlReport = { status: 'ok', preferred, primary };
  return ok({ document, text: `${said}; ${primary ?? 'no tunnel'} carries the traffic.` });
}

/** A loop that runs wild changes nothing, and fills no log. */
function paced(tool: Tool, pace: ChangePace): Tool {
  return {
    ...tool,
    atOnce: false,
    run: (given, call) => {
      const wait = pace();
      if (wait === 0) return tool.run(given, call);
      return err({ kind: 'too_many_changes', waitSeconds: Math.max(1, Math.ceil(wait / 1_000)) });
    },
  };
}

/** What was asked for, and what came of it, is on record. */
function audited(tool: Tool, audit: Audit): Tool {
  return {
    ...tool,
    atOnce: false,
    run: async (given, call) => {
      const answer = await tool.run(given, call);
      const outcome = answer.isOk() ? 'done' : `refused (${answer.error.kind})`;
      audit(`An MCP client used ${tool.name} with ${JSON.stringify(given)}: ${outcome}`);
      return answer;
    },
  };
}
