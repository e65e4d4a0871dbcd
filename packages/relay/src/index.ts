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
export type { Family, NameError, Resolver } from './names/resolver.js';
export type { DatagramDrop, Socks5Counts } from './socks5/counters.js';
export { describeSocks5Error, type Socks5Error } from './socks5/error.js';
export { socks5SettingsOf } from './socks5/from-config.js';
export { type Socks5Options, type Socks5Server, serveSocks5 } from './socks5/serve.js';
export type { Socks5Settings } from './socks5/settings.js';
