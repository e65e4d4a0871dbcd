import type {
  AddressesView,
  FailoverExplanation,
  HealthView,
  HistoryView,
  PortProtocol,
  TunnelsView,
  TunnelView,
  UnixSeconds,
} from '@hurricane/core';
import type {
  CheckDocument,
  ConfigDocument,
  FlowsDocument,
  IndexDocument,
  LivenessDocument,
  LogsDocument,
  MappedDocument,
  PortDocument,
  PortsDocument,
  PreferenceDocument,
  ProbeDocument,
  ReadinessDocument,
} from './documents.js';
import type { OperationId } from './operations.js';
import type { ProblemDocument } from './problem-document.js';

/** The body of `POST /ports/udp` and `/ports/tcp`: the seed's members, and `direction` and `target`. */
export interface PortBody {
  readonly internal_port: number;
  readonly external_port: number;
  readonly v6_address: string;
  readonly description?: string;
  readonly direction?: 'in' | 'out';
  readonly target?: string;
}

/** What a request of each operation brings, as it is once the OpenAPI document's schemas have been applied. */
export interface Inputs {
  readonly getTunnel: { readonly name: string };
  readonly raiseTunnel: { readonly name: string };
  readonly lowerTunnel: { readonly name: string };
  readonly restartTunnel: { readonly name: string };
  readonly preferTunnel: { readonly body: { readonly tunnel: string | null } };
  readonly mapUdpPort: { readonly body: PortBody };
  readonly mapTcpPort: { readonly body: PortBody };
  readonly unmapPort: { readonly protocol: PortProtocol; readonly external_port: number };
  readonly probeUdpPort: { readonly port: number };
  readonly probeTcpPort: { readonly port: number };
  readonly checkConfig: { readonly body: string };
  readonly getHistory: { readonly tunnel?: string; readonly since?: UnixSeconds };
  readonly getLogs: { readonly since?: number };
}

export type InputOf<Id extends OperationId> = Id extends keyof Inputs ? Inputs[Id] : object;

/** The JSON document that each operation answers. */
export interface Answers {
  readonly getHealth: HealthView;
  readonly getAddresses: AddressesView;
  readonly getTunnels: TunnelsView;
  readonly getTunnel: TunnelView;
  readonly raiseTunnel: TunnelView;
  readonly lowerTunnel: TunnelView;
  readonly restartTunnel: TunnelView;
  readonly preferTunnel: PreferenceDocument;
  readonly explainFailover: FailoverExplanation;
  readonly listPorts: PortsDocument;
  readonly mapUdpPort: MappedDocument;
  readonly mapTcpPort: MappedDocument;
  readonly unmapPort: PortDocument;
  readonly probeUdpPort: ProbeDocument;
  readonly probeTcpPort: ProbeDocument;
  readonly listFlows: FlowsDocument;
  readonly getConfig: ConfigDocument;
  readonly checkConfig: CheckDocument;
  readonly getHistory: HistoryView;
  readonly getLogs: LogsDocument;
  readonly getLiveness: LivenessDocument;
  readonly getReadiness: ReadinessDocument;
}

/** The operations that answer a document of the gateway's, as opposed to a stream or a description of the API. */
export type DocumentId = keyof Answers;

/** Every status a problem can have; which of them an operation has, the OpenAPI document says. */
export type ProblemStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 406
  | 408
  | 409
  | 413
  | 415
  | 417
  | 422
  | 429
  | 431
  | 500
  | 503;

type Endpoint<Id extends DocumentId, Input, Status extends 200 | 202 = 200> =
  | { input: Input; output: Answers[Id]; outputFormat: 'json'; status: Status }
  | { input: Input; output: ProblemDocument; outputFormat: 'json'; status: ProblemStatus };

type Nothing = Record<never, never>;
type Named = { param: { name: string } };

/** The app's own type for Hono's typed client, `hc`. Hono keeps what a client sends as the text it is in the URL. */
export type ApiSchema = {
  '/': { $get: { input: Nothing; output: IndexDocument; outputFormat: 'json'; status: 200 } };
  '/health': { $get: Endpoint<'getHealth', Nothing> };
  '/v6/address': { $get: Endpoint<'getAddresses', Nothing> };
  '/tunnels': { $get: Endpoint<'getTunnels', Nothing> };
  '/tunnels/:name': { $get: Endpoint<'getTunnel', Named> };
  '/tunnels/:name/up': { $post: Endpoint<'raiseTunnel', Named, 202> };
  '/tunnels/:name/down': { $post: Endpoint<'lowerTunnel', Named, 202> };
  '/tunnels/:name/restart': { $post: Endpoint<'restartTunnel', Named, 202> };
  '/failover': { $post: Endpoint<'preferTunnel', { json: { tunnel: string | null } }> };
  '/failover/explain': { $get: Endpoint<'explainFailover', Nothing> };
  '/ports': { $get: Endpoint<'listPorts', Nothing> };
  '/ports/udp': { $post: Endpoint<'mapUdpPort', { json: PortBody }> };
  '/ports/tcp': { $post: Endpoint<'mapTcpPort', { json: PortBody }> };
  '/ports/:protocol/:external_port': {
    $delete: Endpoint<'unmapPort', { param: { protocol: PortProtocol; external_port: string } }>;
  };
  '/probe/udp': { $get: Endpoint<'probeUdpPort', { query: { port: string } }> };
  '/probe/tcp': { $get: Endpoint<'probeTcpPort', { query: { port: string } }> };
  '/flows': { $get: Endpoint<'listFlows', Nothing> };
  '/config': { $get: Endpoint<'getConfig', Nothing> };
  '/history': { $get: Endpoint<'getHistory', { query: { tunnel?: string; since?: string } }> };
  '/logs': { $get: Endpoint<'getLogs', { query: { since?: string } }> };
  '/livez': { $get: Endpoint<'getLiveness', Nothing> };
  '/readyz': { $get: Endpoint<'getReadiness', Nothing> };
};
