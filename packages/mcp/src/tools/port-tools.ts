import {
  type PortError,
  type PortMappings,
  type PortProtocol,
  type PortsDocument,
  portDocument,
  probeDocument,
  unaskedProbe,
} from '@hurricane/core';
import { err, errAsync, ok, type Result, type ResultAsync } from 'neverthrow';
import { type Arguments, inputSchema } from '../json-schema.js';
import { OUTPUT } from '../output-schemas.js';
import type { Sources } from '../sources.js';
import { portsText } from '../texts/port-text.js';
import { type Answered, type Call, LOOKS, type Tool, type ToolAnswer } from '../tool.js';
import type { ToolError } from '../tool-error.js';
import { PROTOCOL, portNumber } from '../words.js';

export function portTools(sources: Sources): readonly Tool[] {
  return [
    {
      name: 'list_ports',
      title: 'Port mappings',
      description:
        "Ports of the tunnels' IPv6 addresses that lead to programs here, and the ways back. In exposure mode proxy.",
      annotations: LOOKS,
      inputSchema: inputSchema({}),
      outputSchema: OUTPUT.ports,
      run: () => listPorts(sources),
    },
    {
      name: 'probe_port',
      title: 'Is a port reachable',
      description: 'What is known of the way in to a UDP or TCP port of ours from the IPv6 Internet.',
      // Somebody on the Internet may be asked.
      annotations: { ...LOOKS, openWorldHint: true },
      inputSchema: inputSchema({ protocol: PROTOCOL, port: portNumber('Port on the IPv6 address.') }, [
        'protocol',
        'port',
      ]),
      outputSchema: OUTPUT.probe,
      run: (given, call) => probePort(given, call, sources),
    },
  ];
}

function listPorts(sources: Sources): ResultAsync<Answered, ToolError> {
  return mappingsOf(sources)
    .asyncAndThen((mappings) => mappings.list().mapErr(portError))
    .map((ports): Answered => {
      const document: PortsDocument = { ports: ports.map(portDocument) };
      return { document, text: portsText(document) };
    });
}

async function probePort(given: Arguments, { signal, progress }: Call, sources: Sources): Promise<ToolAnswer> {
  const protocol: PortProtocol = given['protocol'] === 'udp' ? 'udp' : 'tcp';
  const port = Number(given['port']);
  const mappings = mappingsOf(sources);
  if (mappings.isErr()) {
    const document = unaskedProbe(protocol, port);
    return ok({ document, text: document.note });
  }
  await progress(0, 1, `asking whether ${protocol} port ${port} can be reached`);
  const probed = await mappings.value.probe(protocol, port);
  if (signal.aborted) return err({ kind: 'called_off' });
  if (probed.isErr()) return err(portError(probed.error));
  await progress(1, 1, 'answered');
  const document = probeDocument(port, probed.value);
  return ok({ document, text: `${protocol} port ${port}: ${document.status}. ${document.note}` });
}

/** Errs with what keeps this gateway from mapping ports. */
export function mappingsOf({ gateway, ports }: Sources): Result<PortMappings, ToolError> {
  const { mode } = gateway.status().config.exposure;
  return ports === undefined || mode !== 'proxy' ? err({ kind: 'ports_not_offered', mode }) : ok(ports);
}

export const portError = (error: PortError): ToolError => ({ kind: 'port', error });
export const refused = (error: ToolError): ResultAsync<never, ToolError> => errAsync(error);
