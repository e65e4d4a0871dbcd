export {
  type AddressRange,
  addressKind,
  hostInNetwork,
  type Ipv6Endpoint,
  type Ipv6Prefix,
  isNetwork,
  networkOf,
  parseAddress,
  parseAddressRange,
  parseIpv4,
  parseIpv6,
  parseIpv6Prefix,
  parseTarget,
} from './address.js';
export {
  CORE_DEFAULTS,
  EXPOSURE_DEFAULTS,
  FAILOVER_DEFAULTS,
  HEALTH_DEFAULTS,
  MCP_DEFAULTS,
  OPERATION_DEFAULTS,
  RELAY_DEFAULTS,
  ROUTING_DEFAULTS,
} from './config/defaults.js';
export type {
  Config,
  ConfigOf,
  ConfigProblem,
  CoreConfig,
  DestinationRange,
  ExposureConfig,
  ExposureMode,
  FailoverPolicy,
  HealthPolicy,
  Ipv4Policy,
  LogLevel,
  MappingConfig,
  McpConfig,
  OperationPolicy,
  ProbeMethod,
  RelayPolicy,
  RoutingPolicy,
  Socks5Config,
  TunnelConfig,
  TunnelType,
} from './config/model.js';
export { parseConfig } from './config/parse.js';
export { nearestOf } from './config/quote.js';
export {
  type ConfigDocument,
  type ConfigProblemDocument,
  configDocument,
  configProblemDocument,
  type MappingSettings,
  type TunnelSettings,
} from './config-document.js';
export type {
  BackendDriver,
  Clock,
  CounterMeter,
  DriverSet,
  FlowTable,
  Host,
  HostMonitor,
  Logger,
  PortMappings,
  Prober,
  RouteTable,
} from './contracts.js';
export { type DiagnosisView, diagnosisView, type RingEvidence, type TunnelDiagnosis } from './diagnosis.js';
export { describeConfigProblem, describeDriverError, describeGatewayError, type GatewayError } from './errors.js';
export { type EventDocument, eventDocument } from './event-document.js';
export type { Candidate, FailoverExplanation, SwitchRecord } from './explanation.js';
export {
  ABSENT,
  type CommandFailure,
  type DriverError,
  type HostChange,
  type HostCounters,
  type LinkCounters,
  type LinkReading,
  NO_ROUTE,
  type ProbeError,
  type ProbeFinding,
  type ProbeOutcome,
  type ProbePlan,
  type RouteError,
  type RouteHop,
  type RoutePlan,
} from './facts.js';
export type { FaultPlace } from './fault-place.js';
export { Gateway, type GatewayOptions, type StepRecord } from './gateway.js';
export type { HealthScore, HealthSummary } from './health.js';
export type { HistoryQuery, HistorySample, HistoryTier, HistoryView, TunnelHistory } from './history.js';
export { Insight, type InsightOptions } from './insight.js';
export { jittered } from './jitter.js';
export type { LivenessKind } from './liveness.js';
export { type News, type Sentence, type SwitchReason, sentenceOf } from './news.js';
export type { NewsEntry, NewsFeed, NewsSlice } from './news-log.js';
export {
  type PortDocument,
  type PortsDocument,
  type ProbeDocument,
  portDocument,
  probeDocument,
  unaskedProbe,
} from './port-documents.js';
export {
  MAX_PORT_MAPPINGS,
  type MappingState,
  type PortError,
  type PortMapping,
  type PortMappingRequest,
  type PortProbe,
  type PortProtocol,
} from './port-mappings.js';
export {
  type Hypothesis,
  Rehearsal,
  type RehearsalView,
  type RehearsedEvent,
} from './rehearsal.js';
export { observeRtt, probeDeadline, type RttEstimate } from './rtt.js';
export type { ProbeStream, SideStream } from './side-probes.js';
export type { State } from './state.js';
export type { GatewayStatus, TunnelStatus } from './status.js';
export { systemClock } from './system-clock.js';
export type { TunnelState } from './tunnel.js';
export type { Instant, Millis, UnixMillis, UnixSeconds } from './units.js';
export { LONG_AGO, NEVER } from './units.js';
export {
  type AddressesView,
  type AddressView,
  addressesView,
  type HealthView,
  healthView,
  type OverallStatus,
  type TunnelsView,
  type TunnelView,
  tunnelsView,
  tunnelView,
} from './views.js';
