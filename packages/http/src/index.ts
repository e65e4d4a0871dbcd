export { type AccessOptions, MAX_BODY, MUTATION_RATE, type TokenRule } from './admission.js';
export type { Answers, ApiSchema, PortBody } from './api.js';
export { createApp, type GatewayApp } from './app.js';
export type { AppEnv, AppOptions } from './app-options.js';
export type {
  CheckDocument,
  ConfigDocument,
  ConfigProblemDocument,
  EventDocument,
  FlowDocument,
  FlowsDocument,
  GapDocument,
  IndexDocument,
  LivenessDocument,
  LogLine,
  LogsDocument,
  MappedDocument,
  MappingSettings,
  PortDocument,
  PortsDocument,
  PreferenceDocument,
  ProbeDocument,
  ReadinessDocument,
  TunnelSettings,
} from './documents.js';
export { EVENT_LIMITS, type EventLimits } from './event-streams.js';
export type { Arrival, SocketArrival, TcpArrival } from './guard.js';
export { Metrics, type MetricsOptions, type Observed } from './metrics.js';
export type { ProcessReading } from './metrics-gauges.js';
export { OPENAPI, type OpenapiDocument } from './openapi-document.js';
export type { FaultDocument, ProblemDocument } from './problem-document.js';
export type { ApiProblem } from './problems.js';
export { Rate, type RateLimit } from './rate.js';
export type {
  FlowPoint,
  FlowRow,
  FlowSource,
  FlowSums,
  GatewaySource,
  InsightSource,
  LogSource,
  Socks5Sums,
  Sources,
} from './sources.js';
