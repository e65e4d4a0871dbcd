import { z } from 'zod';
import { OPERATION_ROWS } from '../operations.js';
import { type ApiProblem, PROBLEM_STATUS } from '../problems.js';
import * as schemas from './every.js';
import { OPERATION_TEXTS, type OperationText } from './operation-texts.js';

/** A JSON value of the document. */
type Json = Record<string, unknown>;

/** Problems that any operation can have, whoever asks it for what. */
const ALWAYS: readonly ApiProblem['kind'][] = [
  ...([
    'bad_request',
    'unauthorized',
    'host_refused',
    'origin_refused',
    'cross_site',
    'not_acceptable',
    'too_slow',
  ] as const),
  ...(['expectation_failed', 'headers_too_large', 'defect', 'too_many_connections'] as const),
];

const CHANGING: readonly ApiProblem['kind'][] = ['too_many_requests', 'body_too_large'];

const WITH_BODY: readonly ApiProblem['kind'][] = ['unreadable_body', 'wrong_media_type', 'encoded_body'];

/** Under which name each schema stands in the document. */
const NAMES: ReadonlyMap<z.ZodType, string> = new Map<z.ZodType, string>([
  [schemas.health, 'Health'],
  [schemas.addresses, 'Addresses'],
  [schemas.address, 'Address'],
  [schemas.tunnels, 'Tunnels'],
  [schemas.tunnel, 'Tunnel'],
  [schemas.preference, 'Preference'],
  [schemas.explanation, 'FailoverExplanation'],
  [schemas.candidate, 'Candidate'],
  [schemas.switchRecord, 'Switch'],
  [schemas.ports, 'Ports'],
  [schemas.portMapping, 'PortMapping'],
  [schemas.mapped, 'Mapped'],
  [schemas.probe, 'Probe'],
  [schemas.flows, 'Flows'],
  [schemas.flow, 'Flow'],
  [schemas.config, 'Config'],
  [schemas.configProblem, 'ConfigProblem'],
  [schemas.check, 'Check'],
  [schemas.history, 'History'],
  [schemas.historySample, 'HistorySample'],
  [schemas.logs, 'Logs'],
  [schemas.logLine, 'LogLine'],
  [schemas.event, 'Event'],
  [schemas.gap, 'Gap'],
  [schemas.index, 'Index'],
  [schemas.liveness, 'Liveness'],
  [schemas.readiness, 'Readiness'],
  [schemas.problem, 'Problem'],
]);

/** The OpenAPI 3.1 document of this API, drawn from the operations and their schemas. */
export function openapiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'HURRICANE v6-gatewayd',
      version: '0.1.0',
      summary: 'An IPv6 tunnel gateway: what it knows, and what it can be told.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [],
    tags: [...new Set(Object.values(OPERATION_TEXTS).map(({ tag }) => tag))].map((name) => ({ name })),
    paths: paths(),
    components: { responses: commonResponses(), schemas: components() },
  };
}

function paths(): Json {
  const found: Record<string, Json> = { '/': { get: indexOperation() } };
  for (const row of OPERATION_ROWS) {
    const item = found[row.path] ?? {};
    item[row.method.toLowerCase()] = operation(row, OPERATION_TEXTS[row.id]);
    found[row.path] = item;
  }
  return found;
}

function operation(row: (typeof OPERATION_ROWS)[number], text: OperationText): Json {
  const { summary, description, tag, parameters = [], body, success } = text;
  return {
    operationId: row.id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(parameters.length === 0
      ? {}
      : { parameters: parameters.map(({ schema, ...rest }) => ({ ...rest, schema: plain(schema) })) }),
    ...(body === undefined || row.consumes === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { [row.consumes]: { schema: plain(body.schema), example: body.example } },
          },
        }),
    responses: {
      [row.status ?? 200]: {
        description: success.text,
        content: { [row.produces]: { schema: referring(success.schema) } },
      },
      ...problems(kindsOf(row, text)),
    },
  };
}

function indexOperation(): Json {
  return {
    operationId: 'getIndex',
    summary: 'What there is',
    tags: ['This API'],
    responses: {
      200: { description: 'The paths.', content: { 'application/json': { schema: referring(schemas.index) } } },
      ...problems(byStatus(ALWAYS)),
    },
  };
}

type ByStatus = ReadonlyMap<number, readonly ApiProblem['kind'][]>;

function kindsOf({ consumes, method }: (typeof OPERATION_ROWS)[number], text: OperationText): ByStatus {
  const kinds: readonly ApiProblem['kind'][] = [
    ...ALWAYS,
    ...(text.parameters === undefined ? [] : (['bad_parameter'] as const)),
    ...(method === 'GET' ? [] : CHANGING),
    ...(consumes === undefined ? [] : WITH_BODY),
    ...(consumes === 'application/json' ? (['bad_body'] as const) : []),
    ...(text.problems ?? []),
  ];
  const found = new Map(byStatus(kinds));
  // A body that names an unknown tunnel is understood and cannot be followed.
  if (consumes !== undefined && found.delete(404)) found.set(422, ['unknown_tunnel']);
  return found;
}

function byStatus(kinds: readonly ApiProblem['kind'][]): ByStatus {
  const found = new Map<number, readonly ApiProblem['kind'][]>();
  for (const kind of kinds) found.set(PROBLEM_STATUS[kind], [...(found.get(PROBLEM_STATUS[kind]) ?? []), kind]);
  return found;
}

/** Those of every operation stand in the document once. */
function problems(found: ByStatus): Json {
  return Object.fromEntries(
    [...found].map(([status, kinds]) => {
      const common = kinds.every((kind) => ALWAYS.includes(kind));
      return [status, common ? { $ref: `#/components/responses/Problem${status}` } : problemResponse(kinds)];
    }),
  );
}

function problemResponse(kinds: readonly ApiProblem['kind'][]): Json {
  const description = kinds.map((kind) => `\`${kind}\``).join(', ');
  return { description, content: { 'application/problem+json': { schema: referring(schemas.problem) } } };
}

function commonResponses(): Json {
  return Object.fromEntries([...byStatus(ALWAYS)].map(([s, kinds]) => [`Problem${s}`, problemResponse(kinds)]));
}

function components(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of NAMES) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(made.schemas).map(([id, schema]) => [id, bare(schema as Json)]));
}

function referring(schema: z.ZodType): Json {
  const id = NAMES.get(schema);
  return id === undefined ? plain(schema) : { $ref: `#/components/schemas/${id}` };
}

/** A schema that stands where it is used, as requests' do: a validator needs nothing else to apply it. */
function plain(schema: z.ZodType): Json {
  return bare(z.toJSONSchema(schema, { io: 'input' }) as Json);
}

function bare({ $schema, $id, ...schema }: Json): Json {
  return schema;
}
