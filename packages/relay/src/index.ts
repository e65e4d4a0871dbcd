export {
  describeUsersFault,
  type UserFlaw,
  type UsersFault,
  userLine,
} from './access/users-file.js';
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
export { EngineInUse, type EngineInUseOptions, type EngineWish } from './engine-in-use.js';
export type { Exchange, ExchangeOptions, Letter } from './exchange-contract.js';
export { FlowTable, type FlowTableOptions, type FlowTotals } from './flows.js';
export type { HolderOf } from './mapping-errors.js';
export { Mappings, type MappingsOptions } from './mappings.js';
export type { Family, NameError, Resolver } from './names/resolver.js';
export type { NativeEngine } from './native-engine.js';
export { Nonces } from './nonces.js';
export { Faults } from './passage.js';
export type { Knock, KnockError, KnockOptions } from './probe.js';
export type { DatagramDrop, Socks5Counts } from './socks5/counters.js';
export { describeSocks5Error, type Socks5Error } from './socks5/error.js';
export { socks5SettingsOf } from './socks5/from-config.js';
export { type Socks5Options, type Socks5Server, serveSocks5 } from './socks5/serve.js';
export type { Socks5Settings } from './socks5/settings.js';
export { fileStore, type MappingStore } from './store.js';
export { type StreamEngine, streamEngine } from './stream-engine.js';
export { type WaySource, waysOf } from './ways.js';
