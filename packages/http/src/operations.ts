/** The media types that answers come in. Problems are always `application/problem+json`. */
export type MediaType = 'application/json' | 'text/event-stream' | 'text/html' | 'text/plain; version=0.0.4';

/** One thing that can be asked of the API. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As OpenAPI writes it: `/tunnels/{name}`. */
  readonly path: string;
  readonly produces: MediaType;
  /** Of an answer that is no problem. Default: 200. 202: asked for, and not done yet. */
  readonly status?: 202;
  /** Of the body, where there is one. */
  readonly consumes?: 'application/json' | 'text/plain';
}

/**
 * Everything that can be asked, the seed's documents first. Routes, the index, what a 404 and a 405 say, the OpenAPI
 * document and the reference page are made from this table, so that none of them can forget anything.
 */
export const OPERATIONS = {
  getHealth: { method: 'GET', path: '/health', produces: 'application/json' },
  getAddresses: { method: 'GET', path: '/v6/address', produces: 'application/json' },
  getTunnels: { method: 'GET', path: '/tunnels', produces: 'application/json' },
  getTunnel: { method: 'GET', path: '/tunnels/{name}', produces: 'application/json' },
  raiseTunnel: { method: 'POST', path: '/tunnels/{name}/up', produces: 'application/json', status: 202 },
  lowerTunnel: { method: 'POST', path: '/tunnels/{name}/down', produces: 'application/json', status: 202 },
  restartTunnel: { method: 'POST', path: '/tunnels/{name}/restart', produces: 'application/json', status: 202 },
  preferTunnel: { method: 'POST', path: '/failover', produces: 'application/json', consumes: 'application/json' },
  explainFailover: { method: 'GET', path: '/failover/explain', produces: 'application/json' },
  listPorts: { method: 'GET', path: '/ports', produces: 'application/json' },
  mapUdpPort: { method: 'POST', path: '/ports/udp', produces: 'application/json', consumes: 'application/json' },
  mapTcpPort: { method: 'POST', path: '/ports/tcp', produces: 'application/json', consumes: 'application/json' },
  unmapPort: { method: 'DELETE', path: '/ports/{protocol}/{external_port}', produces: 'application/json' },
  probeUdpPort: { method: 'GET', path: '/probe/udp', produces: 'application/json' },
  probeTcpPort: { method: 'GET', path: '/probe/tcp', produces: 'application/json' },
  listFlows: { method: 'GET', path: '/flows', produces: 'application/json' },
  getConfig: { method: 'GET', path: '/config', produces: 'application/json' },
  checkConfig: { method: 'POST', path: '/config/check', produces: 'application/json', consumes: 'text/plain' },
  getHistory: { method: 'GET', path: '/history', produces: 'application/json' },
  getLogs: { method: 'GET', path: '/logs', produces: 'application/json' },
  followEvents: { method: 'GET', path: '/events', produces: 'text/event-stream' },
  getMetrics: { method: 'GET', path: '/metrics', produces: 'text/plain; version=0.0.4' },
  getLiveness: { method: 'GET', path: '/livez', produces: 'application/json' },
  getReadiness: { method: 'GET', path: '/readyz', produces: 'application/json' },
  getOpenapi: { method: 'GET', path: '/openapi.json', produces: 'application/json' },
  getReference: { method: 'GET', path: '/docs', produces: 'text/html' },
} as const;

export type OperationId = keyof typeof OPERATIONS;

/** The same table as rows, in its order. */
export const OPERATION_ROWS: readonly (Operation & { readonly id: OperationId })[] = Object.entries(OPERATIONS).map(
  ([id, operation]) => ({ id: id as OperationId, ...operation }),
);

/** Every path once. */
export const PATHS: readonly string[] = [...new Set(OPERATION_ROWS.map((operation) => operation.path))];
