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
export type { HolderOf } from './mapping-errors.js';
export { Mappings, type MappingsOptions } from './mappings.js';
export { Nonces } from './nonces.js';
export { Faults } from './passage.js';
export type { Knock, KnockError, KnockOptions } from './probe.js';
export { fileStore, type MappingStore } from './store.js';
export { type StreamEngine, streamEngine } from './stream-engine.js';
export { type WaySource, waysOf } from './ways.js';
