import { nearestOf } from '@hurricane/core';
import type { ApiProblem } from './problems.js';

/** How much of what a client sent is repeated to it. */
const QUOTE_LENGTH = 80;

const SHOWN = {
  nothing: 'This needs a token, and none was sent',
  something_else: 'This needs a bearer token, and the Authorization field holds something else',
  wrong_token: 'This is not the token',
} as const;

/** How many names a sentence lists. */
const LISTED = 12;

/** One or two sentences: what is wrong, and what would be right. */
export function detailOf(problem: ApiProblem): string {
  switch (problem.kind) {
    case 'bad_request':
      return `The request ${problem.problem}.`;
    case 'bad_parameter':
    case 'bad_body':
      return problem.faults[0].detail;
    case 'unreadable_body':
      return `The body ${problem.problem}.`;
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
      return `There is nothing at ${quote(problem.path)}.${didYouMean(problem.path, problem.endpoints)} GET / lists what there is.`;
    case 'unknown_tunnel':
      return unknownTunnel(problem);
    case 'method_not_allowed':
      return `${quote(problem.method)} is not offered here. Offered: ${problem.allowed.join(', ')}.`;
    case 'not_acceptable':
      return `This is offered as ${problem.offered} only, which the Accept field leaves out.`;
    case 'too_slow':
      return 'The request did not arrive in time.';
    case 'body_too_large':
      return `The body is larger than the ${problem.limitBytes} bytes that this gateway reads.`;
    case 'unauthorized':
      return (
        `${SHOWN[problem.shown]}: send "Authorization: Bearer …" ` +
        'with the token in the file that api_token_file names.'
      );
    case 'too_many_requests':
      return `That were too many changes in a short time. Try again in ${problem.waitSeconds} s.`;
    case 'wrong_media_type':
      return `${given(problem.given)}. This takes ${problem.wanted}.`;
    case 'encoded_body':
      return `The body is encoded with ${quote(problem.encoding)}. Send it as it is.`;
    case 'expectation_failed':
      return 'The only expectation this server can meet is "100-continue".';
    case 'headers_too_large':
      return 'The request line and header fields are larger than this server reads.';
    case 'too_many_connections':
      return 'There are too many connections. Try again in a second.';
    case 'too_many_subscribers':
      return `${problem.limit} clients follow the events already. Try again when one has left.`;
    case 'not_ready':
      return `IPv6 is not usable: ${problem.reasons.join('; ')}.`;
    case 'not_offered':
      return `This gateway offers no ${problem.what}.`;
    case 'defect':
      return 'The gateway met a defect of its own. What happened is in its log.';
    default:
      return portSentence(problem);
  }
}

type PortProblem = Extract<
  ApiProblem,
  {
    kind:
      | 'ports_not_offered'
      | 'port_taken'
      | 'port_reserved'
      | 'port_not_permitted'
      | 'unknown_mapping'
      | 'mapping_configured'
      | 'too_many_mappings'
      | 'address_not_ours'
      | 'no_address'
      | 'bad_target'
      | 'port_failed';
  }
>;

function portSentence(problem: PortProblem): string {
  switch (problem.kind) {
    case 'ports_not_offered':
      return problem.mode === 'proxy'
        ? 'Port mappings are not part of this gateway, although exposure mode "proxy" is set.'
        : `Port mappings belong to exposure mode "proxy", and this gateway is in mode "${problem.mode}". ` +
            'To enable them, write "mode = proxy" under [exposure] in the configuration and restart the gateway.';
    case 'port_taken':
      return `Port ${problem.port} is taken by ${problem.holder ?? 'another program'}. Choose another one.`;
    case 'port_reserved':
      return `Port ${problem.port} is the gateway's own. Choose another one.`;
    case 'port_not_permitted':
      return `The gateway is not permitted to listen on port ${problem.port}. Choose one above 1023.`;
    case 'unknown_mapping':
      return `There is no mapping of ${problem.protocol} port ${problem.port}. GET /ports lists those there are.`;
    case 'mapping_configured':
      return `This mapping stands in the configuration, as "${problem.name}". Remove it there and reload.`;
    case 'too_many_mappings':
      return `There are ${problem.limit} mappings, which is as many as there can be. Remove one first.`;
    case 'address_not_ours':
      return `${quote(problem.address)} is not an address of a tunnel. Give "auto", or one of: ${list(problem.ours)}.`;
    case 'no_address':
      return 'No tunnel has an address to map a port of. Try again when one is up.';
    case 'bad_target':
      return `"target" ${problem.problem}.`;
    case 'port_failed':
      return `The system did not open the port (${problem.code}).`;
  }
}

function unknownTunnel({ tunnel, known }: Extract<ApiProblem, { kind: 'unknown_tunnel' }>): string {
  return `There is no tunnel ${quote(tunnel)}.${didYouMean(tunnel, known)} There ${known.length === 0 ? 'is' : 'are'}: ${list(known)}.`;
}

function didYouMean(given: string, known: readonly string[]): string {
  const meant = nearestOf(given, known);
  return meant === null ? '' : ` Did you mean ${quote(meant)}?`;
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const rest = names.length - LISTED;
  return `${names.slice(0, LISTED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

const given = (type: string | null): string =>
  type === null ? 'The body has no Content-Type' : `The body is said to be ${quote(type)}`;

export function quote(text: string): string {
  return `"${text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}…` : text}"`;
}
