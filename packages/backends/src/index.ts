export { type AutoProberOptions, autoProber, type DescribedProber } from './auto-prober.js';
export { type CommandRunner, type Finished, type RunOptions, type SpawnError, systemRunner } from './command.js';
export { procCounters } from './counters.js';
export { type ExternalDeps, external } from './external.js';
export { linuxFlows } from './flows.js';
export { type He6in4Deps, he6in4 } from './he-6in4.js';
export { PROTOCOL } from './ip.js';
export { type IpBatch, ipBatch, spawnedBatch } from './ip-batch.js';
export { ipMonitor } from './ip-monitor.js';
export { type KnockOptions, knockOut } from './knock.js';
export { type Launch, type LaunchOptions, launchProgram } from './launch.js';
export { type LinuxDriversOptions, type LinuxHostOptions, linuxDrivers, linuxHost } from './linux-host.js';
export { type PingProberOptions, pingProber } from './ping.js';
export type { PolicyTarget } from './policy-changes.js';
export { type PolicyRouting, type PolicyRoutingOptions, policyRouting } from './policy-routing.js';
export {
  type ProcessTable,
  type ProcessTableOptions,
  type RunningProcess,
  type StartedProcess,
  systemProcesses,
} from './process-table.js';
export { linuxRouteTable, type RouteTableDeps } from './route-table.js';
export { type SocketProbeMethod, type SocketProberOptions, socketProber } from './socket-prober.js';
export { type SweepDeps, sweepHost } from './sweep.js';
export { systemWgFiles, type WgFile, type WgFiles, type WgFilesOptions } from './wg-files.js';
export type { WireguardReading } from './wg-reading.js';
export { mullvad, type WireguardDeps, wireguard } from './wireguard.js';
