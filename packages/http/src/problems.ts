import { type ExposureMode, nearestOf } from '@hurricane/core';
import type { FaultDocument, ProblemDocument } from './problem-document.js';
import { detailOf } from './problem-sentences.js';

/** Why a request gets no document. Facts only; `problemDocument` makes the sentences. */
export type ApiProblem =
  /** What arrived is not a request this server can make sense of. `problem` completes "the request …". */
  | { readonly kind: 'bad_request'; readonly problem: string }
  | { readonly kind: 'bad_parameter'; readonly in: 'path' | 'query' | 'header'; readonly faults: Faults }
  /** `problem` completes "the body …". */
  | { readonly kind: 'unreadable_body'; readonly problem: string }
  | { readonly kind: 'bad_body'; readonly faults: Faults }
  /** The request names a server that is not this one: what a page after DNS rebinding does. */
  | { readonly kind: 'host_refused'; readonly host: string }
  /** A web page of another origin asks. */
  | { readonly kind: 'origin_refused'; readonly origin: string }
  /** The browser itself says that another site asks. */
  | { readonly kind: 'cross_site' }
  | { readonly kind: 'port_not_permitted'; readonly field: string; readonly port: number }
  | { readonly kind: 'not_found'; readonly path: string; readonly endpoints: readonly string[] }
  | {
      readonly kind: 'unknown_tunnel';
      readonly in: 'path' | 'query' | 'body';
      readonly field: string;
      readonly tunnel: string;
      readonly known: readonly string[];
    }
  | { readonly kind: 'unknown_mapping'; readonly protocol: string; readonly port: number }
  | { readonly kind: 'method_not_allowed'; readonly method: string; readonly allowed: readonly string[] }
  | { readonly kind: 'not_acceptable'; readonly offered: string }
  /** The request did not arrive in time. */
  | { readonly kind: 'too_slow' }
  /** Port mappings belong to proxy mode. */
  | { readonly kind: 'ports_not_offered'; readonly mode: ExposureMode }
  /** `holder` completes "taken by …". */
  | { readonly kind: 'port_taken'; readonly field: string; readonly port: number; readonly holder: string | null }
  | { readonly kind: 'port_reserved'; readonly field: string; readonly port: number }
  /** It stands in the configuration, under that name. */
  | { readonly kind: 'mapping_configured'; readonly name: string }
  | { readonly kind: 'wrong_media_type'; readonly given: string | null; readonly wanted: string }
  | { readonly kind: 'encoded_body'; readonly encoding: string }
  | { readonly kind: 'expectation_failed' }
  | { readonly kind: 'address_not_ours'; readonly address: string; readonly ours: readonly string[] }
  /** `problem` completes "target …". */
  | { readonly kind: 'bad_target'; readonly problem: string }
  | { readonly kind: 'too_many_mappings'; readonly limit: number }
  | { readonly kind: 'headers_too_large' }
  | { readonly kind: 'too_many_connections' }
  | { readonly kind: 'too_many_subscribers'; readonly limit: number }
  | { readonly kind: 'not_ready'; readonly reasons: readonly string[] }
  /** Whoever put the app together left this part out. */
  | { readonly kind: 'not_offered'; readonly what: string }
  | { readonly kind: 'no_address' }
  /** `code` as the system gave it. */
  | { readonly kind: 'port_failed'; readonly code: string }
  /** Our own fault. What happened goes to the log, never to the client. */
  | { readonly kind: 'defect' }
  /** No token was shown, or not the right one. */
  | { readonly kind: 'unauthorized'; readonly shown: 'nothing' | 'something_else' | 'wrong_token' }
  /** This client changes too much in too short a time. */
  | { readonly kind: 'too_many_requests'; readonly waitSeconds: number }
  | { readonly kind: 'body_too_large'; readonly limitBytes: number };

/** At least one. */
export type Faults = readonly [FaultDocument, ...FaultDocument[]];

/** How an answer with this kind of problem begins. */
export const PROBLEM_STATUS: Readonly<Record<ApiProblem['kind'], number>> = {
  bad_request: 400,
  bad_parameter: 400,
  unreadable_body: 400,
  bad_body: 400,
  unauthorized: 401,
  host_refused: 403,
  origin_refused: 403,
  cross_site: 403,
  port_not_permitted: 403,
  not_found: 404,
  unknown_tunnel: 404,
  unknown_mapping: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  too_slow: 408,
  ports_not_offered: 409,
  port_taken: 409,
  port_reserved: 409,
  mapping_configured: 409,
  body_too_large: 413,
  wrong_media_type: 415,
  encoded_body: 415,
  expectation_failed: 417,
  address_not_ours: 422,
  bad_target: 422,
  too_many_mappings: 429,
  too_many_requests: 429,
  headers_too_large: 431,
  defect: 500,
  too_many_connections: 503,
  too_many_subscribers: 503,
  not_ready: 503,
  not_offered: 503,
  no_address: 503,
  port_failed: 503,
};

/** RFC 9110 section 15, RFC 6585. */
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const CHALLENGE = 'Bearer realm="v6-gatewayd"';

/** Begins the `type` of every problem. */
export const PROBLEM_URN = 'urn:hurricane:problem:';

/** How many names a problem lists. The documents have them all. */
const LISTED = 64;

export function problemDocument(problem: ApiProblem): ProblemDocument {
  const status = statusOf(problem);
  return {
    type: `${PROBLEM_URN}${problem.kind}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail: detailOf(problem),
    kind: problem.kind,
    ...placeOf(problem),
    ...membersOf(problem),
  };
}

/** Header fields that belong to the problem itself. */
export function problemHeaders(problem: ApiProblem): Readonly<Record<string, string>> {
  switch (problem.kind) {
    case 'method_not_allowed':
      return { allow: problem.allowed.join(', ') };
    case 'wrong_media_type':
      // RFC 9110 section 15.5.16: what would have been taken.
      return { accept: problem.wanted };
    case 'encoded_body':
      return { 'accept-encoding': 'identity' };
    case 'too_many_connections':
    case 'too_many_subscribers':
    case 'not_ready':
    case 'no_address':
    case 'port_failed':
      return { 'retry-after': '1' };
    case 'too_many_requests':
      return { 'retry-after': `${problem.waitSeconds}` };
    case 'unauthorized':
      // RFC 6750 section 3: no error code where no token was shown.
      return {
        'www-authenticate': problem.shown === 'wrong_token' ? `${CHALLENGE}, error="invalid_token"` : CHALLENGE,
      };
    default:
      return {};
  }
}

/** A path that leads nowhere is 404; a body that names nobody was understood, and is 422. */
function statusOf(problem: ApiProblem): number {
  if (problem.kind === 'unknown_tunnel' && problem.in === 'body') return 422;
  return PROBLEM_STATUS[problem.kind];
}

function placeOf(problem: ApiProblem): Pick<ProblemDocument, 'in' | 'field' | 'errors'> {
  switch (problem.kind) {
    case 'bad_parameter':
      return { in: problem.in, ...fieldsOf(problem.faults) };
    case 'bad_body':
      return { in: 'body', ...fieldsOf(problem.faults) };
    case 'unreadable_body':
      return { in: 'body', field: '' };
    case 'unknown_tunnel':
      return { in: problem.in, field: problem.field };
    case 'port_taken':
    case 'port_reserved':
    case 'port_not_permitted':
      return { in: 'body', field: problem.field };
    case 'address_not_ours':
      return { in: 'body', field: '/v6_address' };
    case 'bad_target':
      return { in: 'body', field: '/target' };
    case 'wrong_media_type':
      return { in: 'header', field: '/content-type' };
    case 'encoded_body':
      return { in: 'header', field: '/content-encoding' };
    case 'not_acceptable':
      return { in: 'header', field: '/accept' };
    case 'unauthorized':
      return { in: 'header', field: '/authorization' };
    default:
      return {};
  }
}

function fieldsOf(faults: Faults): Pick<ProblemDocument, 'field' | 'errors'> {
  return faults.length === 1 ? { field: faults[0].field } : { field: faults[0].field, errors: faults };
}

function membersOf(problem: ApiProblem): Partial<ProblemDocument> {
  switch (problem.kind) {
    case 'not_found':
      return { endpoints: problem.endpoints };
    case 'unknown_tunnel':
      return { tunnels: problem.known.slice(0, LISTED), nearest: nearestOf(problem.tunnel, problem.known) };
    case 'address_not_ours':
      return { addresses: problem.ours.slice(0, LISTED) };
    case 'not_ready':
      return { reasons: problem.reasons };
    default:
      return {};
  }
}
