import {
  addressesView,
  configDocument,
  configProblemDocument,
  type GatewayError,
  type GatewayStatus,
  healthView,
  parseConfig,
  type TunnelStatus,
  tunnelsView,
  tunnelView,
} from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import type { Answers, DocumentId, InputOf } from './api.js';
import type { PreferenceDocument } from './documents.js';
import { flowsDocument } from './flow-answers.js';
import { listPorts, mapPort, probePort, unmapPort } from './port-answers.js';
import type { ApiProblem } from './problems.js';
import type { GatewaySource, Sources } from './sources.js';

/** Makes an operation's document, or says why there is none. What it is told has been checked. */
export type DocumentHandler<Id extends DocumentId> = (
  sources: Sources,
  input: InputOf<Id>,
) => Answer<Answers[Id]> | PromiseLike<Answer<Answers[Id]>>;

type Answer<T> = Result<T, ApiProblem>;

export const HANDLERS: { readonly [Id in DocumentId]: DocumentHandler<Id> } = {
  getHealth: ({ gateway }) => ok(healthView(gateway.status())),
  getAddresses: ({ gateway }) => ok(addressesView(gateway.status())),
  getTunnels: ({ gateway }) => ok(tunnelsView(gateway.status())),
  getTunnel: ({ gateway }, { name }) => tunnelNamed(name, gateway.status(), 'path').map(tunnelView),
  raiseTunnel: ({ gateway }, { name }) => afterVerb('raise', name, gateway),
  lowerTunnel: ({ gateway }, { name }) => afterVerb('lower', name, gateway),
  restartTunnel: ({ gateway }, { name }) => afterVerb('restart', name, gateway),
  preferTunnel: ({ gateway }, { body }) => preference(body.tunnel, gateway),
  explainFailover: ({ insight }) => (insight === undefined ? notOffered('explanations') : ok(insight.explain())),
  listPorts: (sources) => listPorts(sources),
  mapUdpPort: (sources, { body }) => mapPort('udp', body, sources),
  mapTcpPort: (sources, { body }) => mapPort('tcp', body, sources),
  unmapPort: (sources, input) => unmapPort(input, sources),
  probeUdpPort: (sources, { port }) => probePort('udp', port, sources),
  probeTcpPort: (sources, { port }) => probePort('tcp', port, sources),
  listFlows: ({ flows }) => (flows === undefined ? notOffered('relay') : ok(flowsDocument(flows))),
  getConfig: ({ gateway }) => ok(configDocument(gateway.status().config)),
  checkConfig: (_sources, { body }) => ok(checkDocument(body)),
  getHistory: (sources, input) => history(sources, input),
  getLogs: ({ logs }, { since }) => {
    if (logs === undefined) return notOffered('log');
    const { entries, gap, lastId } = logs.since(since ?? null);
    return ok({ lines: entries, gap, last_id: lastId });
  },
  getLiveness: () => ok({ status: 'alive' }),
  getReadiness: ({ gateway }) => readiness(gateway.status()),
};

function afterVerb(
  verb: 'raise' | 'lower' | 'restart',
  name: string,
  gateway: GatewaySource,
): Answer<Answers['getTunnel']> {
  if (gateway[verb] === undefined) return notOffered('way to change tunnels');
  const done = gateway[verb](name);
  if (done.isErr()) return err(problemFor(done.error, 'path', '/name'));
  return tunnelNamed(name, gateway.status(), 'path').map(tunnelView);
}

function preference(tunnel: string | null, gateway: GatewaySource): Answer<PreferenceDocument> {
  if (gateway.prefer === undefined) return notOffered('way to choose the primary');
  return gateway
    .prefer(tunnel)
    .mapErr((error) => problemFor(error, 'body', '/tunnel'))
    .map(() => {
      const { preferred, primary } = gateway.status();
      return { status: 'ok', preferred, primary };
    });
}

function history({ gateway, insight }: Sources, input: InputOf<'getHistory'>): Answer<Answers['getHistory']> {
  if (insight === undefined) return notOffered('history');
  const { tunnel = null, since = null } = input;
  const found = tunnel === null ? ok(null) : tunnelNamed(tunnel, gateway.status(), 'query');
  return found.map(() => insight.history({ tunnel, since }));
}

function readiness(status: GatewayStatus): Answer<Answers['getReadiness']> {
  const { primary, v6_reachable, reasons } = healthView(status);
  if (primary === null || !v6_reachable) return err({ kind: 'not_ready', reasons });
  return ok({ status: 'ready', primary });
}

function checkDocument(text: string): Answers['checkConfig'] {
  return parseConfig(text).match<Answers['checkConfig']>(
    ({ warnings, tunnels }) => ({
      valid: true,
      problems: [],
      warnings: warnings.map(configProblemDocument),
      tunnels: tunnels.length,
    }),
    (problems) => ({ valid: false, problems: problems.map(configProblemDocument), warnings: [], tunnels: null }),
  );
}

function tunnelNamed(name: string, { tunnels }: GatewayStatus, place: 'path' | 'query'): Answer<TunnelStatus> {
  const found = tunnels.find((tunnel) => tunnel.config.name === name);
  if (found !== undefined) return ok(found);
  const known = tunnels.map((tunnel) => tunnel.config.name);
  const field = place === 'path' ? '/name' : '/tunnel';
  return err({ kind: 'unknown_tunnel', in: place, field, tunnel: name, known });
}

/** Of what can go wrong with a gateway, a verb meets one thing only. */
function problemFor(error: GatewayError, place: 'path' | 'body', field: string): ApiProblem {
  if (error.kind !== 'unknown_tunnel') return { kind: 'defect' };
  return { kind: 'unknown_tunnel', in: place, field, tunnel: error.tunnel, known: error.known };
}

const notOffered = (what: string): Answer<never> => err({ kind: 'not_offered', what });
