import { inline, table } from './docs-html.js';
import { type ApiProblem, PROBLEM_STATUS, PROBLEM_URN } from './problems.js';

/** What each kind of problem means to the one who meets it. */
export const PROBLEM_MEANINGS: { readonly [Kind in ApiProblem['kind']]: string } = {
  bad_request: 'What arrived is not a request of HTTP/1.1 with one valid Host.',
  bad_parameter:
    'A part of the path or of the query is missing, repeated, unknown or not what it has to be: see `field`.',
  unreadable_body: 'The body is not what its type says: empty, cut short, not JSON, not UTF-8, or with a member twice.',
  bad_body: 'A member of the body is missing, unknown or not what it has to be: see `field`, and `errors` for all.',
  unauthorized: 'This gateway asks for a token, and none or another one was sent.',
  host_refused: 'The Host is not one of the names that this gateway goes by (protection from DNS rebinding).',
  origin_refused: 'A web page of an origin that is not allowed asks.',
  cross_site: 'The browser says that a page of another origin asks.',
  port_not_permitted: 'The gateway has not the rights for that port.',
  not_found: 'There is no such path; `endpoints` has those there are.',
  unknown_tunnel: 'No tunnel has that name; `tunnels` has those there are, `nearest` the likely one. 422 in a body.',
  unknown_mapping: 'No mapping has that protocol and external port.',
  method_not_allowed: 'The path has other methods: see the field Allow.',
  not_acceptable: 'The field Accept leaves out the one type in which this is offered.',
  too_slow: 'The request took longer than ten seconds to arrive.',
  ports_not_offered: 'Port mappings belong to exposure mode `proxy`: write `mode = proxy` under `[exposure]`.',
  port_taken: 'Another mapping or another program has that port.',
  port_reserved: 'The gateway itself uses that port.',
  mapping_configured: 'The mapping stands in the configuration, and is removed there.',
  body_too_large: 'The body is larger than 64 KiB.',
  wrong_media_type: 'The Content-Type is missing or not the one that is taken: see the field Accept of the answer.',
  encoded_body: 'The body has a Content-Encoding. Send it as it is.',
  expectation_failed: 'The field Expect asks for something else than `100-continue`.',
  address_not_ours: 'The address is not one of a tunnel; `addresses` has those that are.',
  bad_target: '`target` is missing, not needed, or leads where no mapping may lead.',
  too_many_mappings: 'There are as many mappings as there can be.',
  too_many_requests: 'This client changes too much in too short a time: see the field Retry-After.',
  headers_too_large: 'Request line and header fields are larger than 16 KiB.',
  defect: 'A defect of the gateway. What happened is in its log.',
  too_many_connections: 'More clients are connected than are served at a time.',
  too_many_subscribers: 'More clients follow the events than can at a time.',
  not_ready: 'IPv6 is not usable; `reasons` says why.',
  not_offered: 'Whoever runs this gateway has left this part out.',
  no_address: 'No tunnel has an address to map a port of.',
  port_failed: 'The system did not open the port.',
};

export function problemsSection(): string {
  const kinds = Object.entries(PROBLEM_MEANINGS).map(([kind, meaning]) => ({
    kind: kind as ApiProblem['kind'],
    meaning,
  }));
  const rows = kinds.map(({ kind, meaning }) => [
    `<code id="problem-${kind}">${kind}</code>`,
    `${PROBLEM_STATUS[kind]}`,
    inline(meaning),
  ]);
  return `<section><h2 id="problems">Problems</h2>
<p>Whatever is no document is <code>application/problem+json</code> (RFC 9457):
<a href="#schema-Problem">Problem</a>. Its <code>type</code> is <code>${PROBLEM_URN}</code> and the kind.</p>
${table(['Kind', 'Status', 'Meaning'], rows, 'Kinds of problems')}</section>`;
}
