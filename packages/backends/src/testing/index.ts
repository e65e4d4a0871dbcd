export { addBystanders } from './bystanders.js';
export {
  type DriverPromise,
  type DriverSetup,
  describeBackendDriver,
  type Skip,
} from './contract.js';
export { FakeHost, type FakeHostOptions, type FaultMoment } from './fake-host.js';
export type { FakeUnderlay } from './fake-ip.js';
export type { FakeKernel, FakeLink, FakeRoute, FakeRule } from './fake-kernel.js';
export {
  FAKE_PRIVATE_KEY,
  FAKE_PUBLIC_KEY,
  FAKE_SHARED_KEY,
  FakeWireguard,
  fakeConf,
  peerLine,
} from './fake-wireguard.js';
export { describeProber } from './prober-contract.js';
export type { NetworkMood, ProberStage, SentProbe, SetProberStage } from './prober-stage.js';
export { describeRouteTable, type RouteTableSetup } from './route-table-contract.js';
