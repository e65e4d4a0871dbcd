import { z } from 'zod';
import type { OperationId } from '../operations.js';
import type { ApiProblem } from '../problems.js';
import * as schemas from './every.js';
import { port, unixSeconds, wholeNumber } from './words.js';

/** What the OpenAPI document says of an operation beside what `OPERATIONS` says. */
export interface OperationText {
  readonly summary: string;
  readonly description?: string;
  readonly tag: 'State' | 'Control' | 'Failover' | 'Ports' | 'Configuration' | 'Events and history' | 'This API';
  readonly parameters?: readonly ParameterText[];
  readonly body?: { readonly schema: z.ZodType; readonly example: unknown };
  readonly success: { readonly schema: z.ZodType; readonly text: string };
  /** Problems of its own, beside those that every operation has. */
  readonly problems?: readonly ApiProblem['kind'][];
}

export interface ParameterText {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: z.ZodType;
  readonly description: string;
}

const tunnelName: ParameterText = {
  name: 'name',
  in: 'path',
  required: true,
  schema: z.string().min(1),
  description: 'Name of a tunnel, as in the configuration.',
};

const probedPort: ParameterText = {
  name: 'port',
  in: 'query',
  required: true,
  schema: port,
  description: 'Port to look at, 1 to 65535.',
};

const PROBED =
  'Sends from another tunnel of this gateway, out through one provider and in through the other, and looks whether it ' +
  'arrives. Takes up to 3 seconds. No program sees it.';

const mapProblems: readonly ApiProblem['kind'][] = [
  ...(['port_not_permitted', 'ports_not_offered', 'port_taken', 'port_reserved'] as const),
  ...(['address_not_ours', 'bad_target', 'too_many_mappings', 'no_address', 'port_failed'] as const),
];

const mapBody = {
  schema: schemas.portBody,
  example: { internal_port: 7654, external_port: 7654, v6_address: '2001:db8:1234:5678::2', description: 'I2P' },
};

const verb = (word: string, description: string): OperationText => ({
  summary: `Take a tunnel ${word}`,
  description,
  tag: 'Control',
  parameters: [tunnelName],
  success: { schema: schemas.tunnel, text: 'Asked for; the tunnel as it is at this moment.' },
  problems: ['unknown_tunnel', 'not_offered'],
});

export const OPERATION_TEXTS: { readonly [Id in OperationId]: OperationText } = {
  getHealth: {
    summary: 'Is IPv6 usable',
    description: 'Always 200: `status` says how it is. For status codes, ask `/readyz`.',
    tag: 'State',
    success: { schema: schemas.health, text: 'How it is.' },
  },
  getAddresses: {
    summary: 'Addresses to use',
    tag: 'State',
    success: { schema: schemas.addresses, text: 'The addresses.' },
  },
  getTunnels: {
    summary: 'Every tunnel',
    tag: 'State',
    success: { schema: schemas.tunnels, text: 'The tunnels.' },
  },
  getTunnel: {
    summary: 'One tunnel',
    tag: 'State',
    parameters: [tunnelName],
    success: { schema: schemas.tunnel, text: 'The tunnel.' },
    problems: ['unknown_tunnel'],
  },
  raiseTunnel: verb('up', 'Whatever `enabled` in the configuration says. Progress is events.'),
  lowerTunnel: verb('down', 'Until it is taken up again. If it is the primary, another one takes over first.'),
  restartTunnel: verb('down and up', 'A tunnel that is down is taken up.'),
  preferTunnel: {
    summary: 'Choose the primary, or let the gateway choose',
    description: 'The choice holds until it is taken back with null. A tunnel that is not fit is not made the primary.',
    tag: 'Failover',
    body: { schema: schemas.preferenceBody, example: { tunnel: 'he' } },
    success: { schema: schemas.preference, text: 'The choice as it is in force.' },
    problems: ['unknown_tunnel', 'not_offered'],
  },
  explainFailover: {
    summary: 'Why this primary',
    tag: 'Failover',
    success: { schema: schemas.explanation, text: 'The rule, the candidates and the last switches.' },
    problems: ['not_offered'],
  },
  listPorts: {
    summary: 'Every port mapping',
    tag: 'Ports',
    success: { schema: schemas.ports, text: 'The mappings.' },
    problems: ['ports_not_offered', 'port_failed'],
  },
  mapUdpPort: {
    summary: 'Map a UDP port',
    description: 'The same mapping again succeeds and changes nothing.',
    tag: 'Ports',
    body: mapBody,
    success: { schema: schemas.mapped, text: 'It exists: its sockets are open.' },
    problems: mapProblems,
  },
  mapTcpPort: {
    summary: 'Map a TCP port',
    description: 'The same mapping again succeeds and changes nothing.',
    tag: 'Ports',
    body: mapBody,
    success: { schema: schemas.mapped, text: 'It exists: its sockets are open.' },
    problems: mapProblems,
  },
  unmapPort: {
    summary: 'Remove a port mapping',
    tag: 'Ports',
    parameters: [
      { name: 'protocol', in: 'path', required: true, schema: z.enum(['udp', 'tcp']), description: 'udp or tcp.' },
      { name: 'external_port', in: 'path', required: true, schema: port, description: 'Port on the IPv6 address.' },
    ],
    success: { schema: schemas.portMapping, text: 'The mapping that was removed.' },
    problems: ['unknown_mapping', 'mapping_configured', 'ports_not_offered', 'port_failed'],
  },
  probeUdpPort: {
    summary: 'Can a UDP port be reached from the Internet',
    tag: 'Ports',
    parameters: [probedPort],
    description: PROBED,
    success: { schema: schemas.probe, text: 'What was found.' },
    problems: ['port_failed'],
  },
  probeTcpPort: {
    summary: 'Can a TCP port be reached from the Internet',
    description: PROBED,
    tag: 'Ports',
    parameters: [probedPort],
    success: { schema: schemas.probe, text: 'What was found.' },
    problems: ['port_failed'],
  },
  listFlows: {
    summary: 'What the relay carries',
    tag: 'Ports',
    success: { schema: schemas.flows, text: 'The flows.' },
    problems: ['not_offered'],
  },
  getConfig: {
    summary: 'The configuration in force',
    tag: 'Configuration',
    success: { schema: schemas.config, text: 'The configuration, without secrets.' },
  },
  checkConfig: {
    summary: 'What is wrong with a configuration',
    description: 'Changes nothing. The text is read as the file would be.',
    tag: 'Configuration',
    body: { schema: z.string(), example: '[tunnel.he]\ntype = he_6in4\niface = he0\n' },
    success: { schema: schemas.check, text: 'The findings, none of them included.' },
  },
  getHistory: {
    summary: 'Samples for graphs',
    tag: 'Events and history',
    parameters: [
      { name: 'tunnel', in: 'query', required: false, schema: z.string().min(1), description: 'This tunnel only.' },
      {
        name: 'since',
        in: 'query',
        required: false,
        schema: unixSeconds,
        description: 'Samples after this Unix time in seconds only.',
      },
    ],
    success: { schema: schemas.history, text: 'The samples.' },
    problems: ['unknown_tunnel', 'not_offered'],
  },
  getLogs: {
    summary: 'What the gateway has logged',
    tag: 'Events and history',
    parameters: [
      {
        name: 'since',
        in: 'query',
        required: false,
        schema: wholeNumber,
        description: 'Lines after this id only, such as the `last_id` of the answer before.',
      },
    ],
    success: { schema: schemas.logs, text: 'The lines.' },
    problems: ['not_offered'],
  },
  followEvents: {
    summary: 'Everything that happens, as it happens',
    description:
      'Server-sent events. `data:` is an Event; the name of the event is its `type`. A client that connects again ' +
      'with `Last-Event-ID` is told what it has missed, or `gap` when that is not known any more. A comment comes ' +
      'every 15 seconds. A client that does not read is cut off.',
    tag: 'Events and history',
    success: { schema: schemas.event, text: 'A stream that goes on until either side ends it.' },
    problems: ['not_offered', 'too_many_subscribers'],
  },
  getMetrics: {
    summary: 'Figures for Prometheus',
    description:
      'Gauges and counters of every tunnel, round trips, failovers, this API and the process, in base units. What is ' +
      'not known has no row.',
    tag: 'State',
    success: { schema: z.string(), text: 'The text exposition format of Prometheus, version 0.0.4.' },
    problems: ['not_offered'],
  },
  getLiveness: {
    summary: 'Does the process answer',
    tag: 'State',
    success: { schema: schemas.liveness, text: 'It does.' },
  },
  getReadiness: {
    summary: 'Is IPv6 usable, as a status code',
    tag: 'State',
    success: { schema: schemas.readiness, text: 'It is.' },
    problems: ['not_ready'],
  },
  getOpenapi: {
    summary: 'This description',
    tag: 'This API',
    success: { schema: z.looseObject({ openapi: z.string() }), text: 'OpenAPI 3.1.' },
  },
  getReference: {
    summary: 'This description, for people',
    tag: 'This API',
    success: { schema: z.string(), text: 'One page that loads nothing.' },
  },
};
