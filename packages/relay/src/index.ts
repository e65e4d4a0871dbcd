export type {
  ConnectError,
  ConnectOptions,
  Endpoint,
  Engine,
  Flow,
  FlowEnd,
  FlowFacts,
  FlowRefusal,
  Flows,
  FlowView,
  Leg,
  LegError,
  ListenError,
  Listening,
  Way,
  Ways,
} from './contracts.js';
export { FlowTable, type FlowTableOptions, type FlowTotals } from './flows.js';
export { type StreamEngine, streamEngine } from './stream-engine.js';
export { type WaySource, waysOf } from './ways.js';
