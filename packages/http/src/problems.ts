/** Why a request gets no document. Facts only; `problemDocument` makes the sentences. */
export type ApiProblem =
  /** What arrived is not a request this server can make sense of. `problem` completes "the request …". */
  | { readonly kind: 'bad_request'; readonly problem: string }
  /** The request names a server that is not this one: what a page after DNS rebinding does. */
  | { readonly kind: 'host_refused'; readonly host: string }
  /** A web page of another origin asks. */
  | { readonly kind: 'origin_refused'; readonly origin: string }
  /** The browser itself says that another site asks. */
  | { readonly kind: 'cross_site' }
  | { readonly kind: 'not_found'; readonly path: string; readonly endpoints: readonly string[] }
  | { readonly kind: 'method_not_allowed'; readonly method: string; readonly allowed: readonly string[] }
  /** The request did not arrive in time. */
  | { readonly kind: 'too_slow' }
  | { readonly kind: 'expectation_failed' }
  | { readonly kind: 'headers_too_large' }
  | { readonly kind: 'too_many_connections' }
  /** Our own fault. What happened goes to the log, never to the client. */
  | { readonly kind: 'defect' }
  /** No token was shown, or not the right one. */
  | { readonly kind: 'unauthorized'; readonly shown: 'nothing' | 'something_else' | 'wrong_token' }
  /** This client changes too much in too short a time. */
  | { readonly kind: 'too_many_requests'; readonly waitSeconds: number }
  | { readonly kind: 'body_too_large'; readonly limitBytes: number };

/** The body of an `application/problem+json` answer (RFC 9457), with `kind` for programs to branch on. */
export interface ProblemDocument {
  /** Always `about:blank`: RFC 9457 section 4.2.1, the status code says it all. */
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  /** One or two sentences: what is wrong, and what would be right. */
  readonly detail: string;
  readonly kind: ApiProblem['kind'];
  /** With `not_found`: the paths that exist. */
  readonly endpoints?: readonly string[];
}

const STATUS: Readonly<Record<ApiProblem['kind'], readonly [status: number, title: string]>> = {
  bad_request: [400, 'Bad Request'],
  host_refused: [403, 'Forbidden'],
  origin_refused: [403, 'Forbidden'],
  cross_site: [403, 'Forbidden'],
  not_found: [404, 'Not Found'],
  unauthorized: [401, 'Unauthorized'],
  method_not_allowed: [405, 'Method Not Allowed'],
  too_slow: [408, 'Request Timeout'],
  expectation_failed: [417, 'Expectation Failed'],
  headers_too_large: [431, 'Request Header Fields Too Large'],
  defect: [500, 'Internal Server Error'],
  body_too_large: [413, 'Content Too Large'],
  too_many_requests: [429, 'Too Many Requests'],
  too_many_connections: [503, 'Service Unavailable'],
};

/** How much of what a client sent is repeated to it. */
const QUOTE_LENGTH = 80;

export function problemDocument(problem: ApiProblem): ProblemDocument {
  const [status, title] = STATUS[problem.kind];
  return {
    type: 'about:blank',
    title,
    status,
    detail: detailOf(problem),
    kind: problem.kind,
    ...(problem.kind === 'not_found' ? { endpoints: problem.endpoints } : {}),
  };
}

/** Header fields that belong to the problem itself. */
export function problemHeaders(problem: ApiProblem): Readonly<Record<string, string>> {
  switch (problem.kind) {
    case 'method_not_allowed':
      return { allow: problem.allowed.join(', ') };
    case 'too_many_connections':
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

function detailOf(problem: ApiProblem): string {
  switch (problem.kind) {
    case 'bad_request':
      return `The request ${problem.problem}.`;
    case 'host_refused':
      return (
        `${quote(problem.host)} is not a name of this gateway. ` +
        'Ask it by its address, or add the name to its trusted hosts.'
      );
    case 'origin_refused':
      return `Pages of origin ${quote(problem.origin)} may not ask this gateway.`;
    case 'cross_site':
      return 'Pages of other origins may not ask this gateway.';
    case 'not_found':
      return `There is nothing at ${quote(problem.path)}. There is: ${problem.endpoints.join(', ')}.`;
    case 'method_not_allowed':
      return `${quote(problem.method)} is not offered here. Offered: ${problem.allowed.join(', ')}.`;
    case 'too_slow':
      return 'The request did not arrive in time.';
    case 'expectation_failed':
      return 'The only expectation this server can meet is "100-continue".';
    case 'headers_too_large':
      return 'The request line and header fields are larger than this server reads.';
    case 'too_many_connections':
      return 'There are too many connections. Try again in a second.';
    case 'defect':
      return 'The gateway met a defect of its own. What happened is in its log.';
    case 'unauthorized':
      return `${SHOWN[problem.shown]}: send "Authorization: Bearer …" with the token in the file that api_token_file names.`;
    case 'too_many_requests':
      return `That were too many changes in a short time. Try again in ${problem.waitSeconds} s.`;
    case 'body_too_large':
      return `The body is larger than the ${problem.limitBytes} bytes that this gateway reads.`;
  }
}

const CHALLENGE = 'Bearer realm="v6-gatewayd"';

const SHOWN = {
  nothing: 'This needs a token, and none was sent',
  something_else: 'This needs a bearer token, and the Authorization field holds something else',
  wrong_token: 'This is not the token',
} as const;

function quote(text: string): string {
  return `"${text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}…` : text}"`;
}
