import { Validator } from '@cfworker/json-schema';
import { OPENAPI, type OperationObject, type ResponseObject } from './openapi-document.js';

/** An answer as any client sees it. */
export interface Answered {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** What any path can answer without having been found. */
const UNROUTED = [400, 401, 403, 404, 405, 408, 413, 417, 429, 431, 500, 503];

const validators = new Map<string, Validator>();

/** Says how an answer differs from what the OpenAPI document promises, or null. */
export function departureOf(method: string, path: string, answer: Answered): string | null {
  // A preflight is between browsers and the gate: OpenAPI has no place for it.
  if (method === 'OPTIONS' && answer.status === 204) return answer.text === '' ? null : 'a preflight has a body';
  const described = responseFor(method, path, answer.status);
  if (described === null) return `${method} ${path} answered ${answer.status}, which is not described`;
  const type = answer.headers['content-type']?.split(';')[0] ?? '';
  const media = Object.entries(described.content ?? {}).find(([key]) => key.split(';')[0] === type)?.[1];
  if (media === undefined) return `${method} ${path} answered ${answer.status} as "${type}", which is not described`;
  if (method === 'HEAD') return answer.text === '' ? null : `HEAD ${path} has a body`;
  if (!type.endsWith('json')) return null;
  const { valid, errors } = validatorFor(media.schema as object).validate(JSON.parse(answer.text));
  return valid ? null : `${method} ${path} ${answer.status}: ${JSON.stringify(errors.at(-1))} in ${answer.text}`;
}

function responseFor(method: string, path: string, status: number): ResponseObject | null {
  const found = operationAt(method, path);
  const described = found?.responses[status] ?? null;
  if (described !== null) return resolved(described);
  const problem: ResponseObject = OPENAPI.components.responses['Problem403'] ?? {};
  if (found === null) return UNROUTED.includes(status) ? problem : null;
  return null;
}

/** The operation that a request is about, or null when there is none: then 404 and 405 are due. */
function operationAt(method: string, path: string): OperationObject | null {
  const plain = pathnameOf(path);
  const exact = OPENAPI.paths[plain];
  const item = exact ?? Object.entries(OPENAPI.paths).find(([template]) => fits(plain, template))?.[1];
  return item?.[method === 'HEAD' ? 'get' : method.toLowerCase()] ?? null;
}

/** As a server sees it: without the query and a slash at the end, dots followed and needless escapes undone. */
function pathnameOf(target: string): string {
  // Two slashes at the beginning would be read as a host.
  const { pathname } = new URL(`http://localhost${target}`);
  const plain = pathname.replaceAll(/%([4-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number(`0x${hex}`)));
  return /^\/+$/.test(plain) ? plain : plain.replace(/\/$/, '');
}

function fits(path: string, template: string): boolean {
  return new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path);
}

function resolved(response: ResponseObject): ResponseObject {
  const name = /^#\/components\/responses\/(\w+)$/.exec(response.$ref ?? '')?.[1];
  return name === undefined ? response : (OPENAPI.components.responses[name] ?? {});
}

/** References lead into the document, which therefore comes along. */
function validatorFor(schema: object): Validator {
  const key = JSON.stringify(schema);
  const made = validators.get(key) ?? new Validator({ ...schema, components: OPENAPI.components } as object, '2020-12');
  validators.set(key, made);
  return made;
}
