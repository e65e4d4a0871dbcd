import { err, ok, type Result } from 'neverthrow';
import { type Check, checkOf, checkOfObject } from './check-value.js';
import { OPENAPI, type OperationObject, type ParameterObject } from './openapi-document.js';
import { OPERATIONS, type Operation, type OperationId } from './operations.js';
import type { FaultDocument } from './problem-document.js';
import { quote } from './problem-sentences.js';
import type { ApiProblem, Faults } from './problems.js';
import { readJson, readText } from './read-body.js';

/** A request, as far as an operation's input is in it. */
export interface Incoming {
  readonly request: Request;
  /** Decoded value of a part of the path. */
  readonly param: (name: string) => string | undefined;
}

/** Gives what an operation is told, checked with the OpenAPI document. */
export type InputReader = (incoming: Incoming) => Promise<Result<object, ApiProblem>>;

/** Null for an operation that is told nothing. */
export function inputReaderOf(id: OperationId): InputReader | null {
  const operation: Operation = OPERATIONS[id];
  const described = describedOperation(operation);
  const parameters = (described.parameters ?? []).map((parameter) => ({
    ...parameter,
    check: checkOf(parameter.name, parameter.schema),
  }));
  const body = bodyReaderOf(operation, described);
  if (parameters.length === 0 && body === null) return null;
  return async (incoming) => {
    const query = new URL(incoming.request.url).searchParams;
    const input: Record<string, unknown> = {};
    for (const place of ['path', 'query'] as const) {
      const here = parameters.filter((parameter) => parameter.in === place);
      const faults = here.flatMap((parameter) => {
        const given = place === 'path' ? [incoming.param(parameter.name) ?? ''] : query.getAll(parameter.name);
        return readParameter(parameter, given, input);
      });
      const strays = place === 'query' ? straysIn(query, here) : [];
      const [first, ...others] = [...faults, ...strays];
      if (first !== undefined) return err({ kind: 'bad_parameter', in: place, faults: [first, ...others] });
    }
    if (body === null) return ok(input);
    return (await body(incoming.request)).map((value) => ({ ...input, body: value }));
  };
}

type CheckedParameter = ParameterObject & { readonly check: Check };

/** Puts the value into `input`, or says what is wrong with it. */
function readParameter(
  parameter: CheckedParameter,
  given: readonly string[],
  input: Record<string, unknown>,
): readonly FaultDocument[] {
  const { name, required, schema, check } = parameter;
  const [text] = given;
  const fault = (detail: string): readonly FaultDocument[] => [{ field: `/${name}`, detail }];
  if (given.length > 1) return fault(`"${name}" is given ${given.length} times: give it once.`);
  if (text === undefined) return required ? fault(`"${name}" is missing: ${parameter.description}`) : [];
  const value = schema.type === 'integer' ? wholeNumberIn(text) : text;
  const faults = check(value);
  if (faults.length === 0) input[name] = value;
  return faults;
}

/** What is written otherwise, such as `1e3`, `+5` or `007`, stays text, which no check of numbers accepts. */
function wholeNumberIn(text: string): number | string {
  return /^(0|-?[1-9]\d{0,20})$/.test(text) ? Number(text) : text;
}

/** A misspelt filter would be passed over in silence, and the answer be about something else. */
function straysIn(query: URLSearchParams, known: readonly ParameterObject[]): readonly FaultDocument[] {
  if (known.length === 0) return [];
  const names = known.map(({ name }) => name);
  const strays = [...new Set(query.keys())].filter((name) => !names.includes(name)).slice(0, 4);
  return strays.map((name) => ({
    field: `/${name.slice(0, 60)}`,
    detail: `${quote(name)} is not a parameter of this. Parameters are: ${names.join(', ')}.`,
  }));
}

function bodyReaderOf(
  operation: Operation,
  described: OperationObject,
): ((request: Request) => Promise<Result<unknown, ApiProblem>>) | null {
  const { consumes } = operation;
  if (consumes === undefined) return null;
  if (consumes === 'text/plain') return (request) => readText(request, consumes);
  const check = checkOfObject(described.requestBody?.content[consumes]?.schema ?? {});
  return async (request) =>
    (await readJson(request)).andThen((value) => {
      const [first, ...others] = check(value);
      if (first === undefined) return ok(value);
      const faults: Faults = [first, ...others];
      return err<unknown, ApiProblem>({ kind: 'bad_body', faults });
    });
}

function describedOperation({ path, method }: Operation): OperationObject {
  const described = OPENAPI.paths[path]?.[method.toLowerCase()];
  if (described === undefined) throw new Error(`the OpenAPI document has no ${method} ${path}`);
  return described;
}
