import type { DriverSet, Host, Logger, Prober, RoutingPolicy } from '@hurricane/core';
import { type CommandRunner, systemRunner } from './command.js';
import { procCounters } from './counters.js';
import { external } from './external.js';
import { linuxFlows } from './flows.js';
import { he6in4 } from './he-6in4.js';
import { hostLooks } from './host-looks.js';
import { type IpBatch, ipBatch } from './ip-batch.js';
import { ipMonitor } from './ip-monitor.js';
import { type Launch, launchProgram } from './launch.js';
import { policyRouting } from './policy-routing.js';
import { type ProcessTable, systemProcesses } from './process-table.js';
import { linuxRouteTable } from './route-table.js';
import { sweepHost } from './sweep.js';
import { systemWgFiles, type WgFiles } from './wg-files.js';
import { mullvad, wireguard } from './wireguard.js';

export interface LinuxHostOptions {
  readonly routing: RoutingPolicy;
  readonly prober: Prober;
  /** Told of what drivers notice about files and routes that are not ours. Nobody is told if left out. */
  readonly logger?: Logger;
  /** How programs are started; the ones below are made from it where they are left out. */
  readonly launch?: Launch;
  readonly runner?: CommandRunner;
  readonly processes?: ProcessTable;
}

/**
 * Everything a gateway needs of this Linux host. Starts nothing by itself.
 *
 * @example
 * const host = linuxHost({ routing: config.routing, prober });
 * const gateway = Gateway.create({ config, host });
 */
export function linuxHost(options: LinuxHostOptions): Host {
  const { routing, prober, logger, launch = launchProgram } = options;
  const { runner = systemRunner(launch), processes = systemProcesses({ launch }) } = options;
  const batch = ipBatch({ runner, launch });
  const told = logger === undefined ? {} : { logger };
  const drivers = linuxDrivers({ routing, runner, batch, processes, ...told });
  return {
    drivers,
    prober,
    routes: linuxRouteTable({ runner, batch, metric: routing.metric, ...told }),
    meter: procCounters(),
    monitor: ipMonitor(launch),
    flows: linuxFlows(runner),
    sweep: (tunnels, signal) => sweepHost({ runner, processes, drivers }, tunnels, signal),
    close: () => batch.close(),
  };
}

export interface LinuxDriversOptions {
  readonly routing: RoutingPolicy;
  readonly runner: CommandRunner;
  /** Carries repairs first. Default: a program for each command. */
  readonly batch?: IpBatch;
  readonly processes: ProcessTable;
  readonly logger?: Logger;
  /** Default: those of /etc/wireguard. */
  readonly wireguardFiles?: WgFiles;
}

/** A driver for every tunnel type. They share one view of which routing tables are taken. */
export function linuxDrivers(options: LinuxDriversOptions): Required<DriverSet> {
  const { routing, runner, processes, wireguardFiles: files = systemWgFiles() } = options;
  const looks = hostLooks(runner, options.batch ?? null);
  const policy = policyRouting({
    runner,
    routing,
    looks,
    ...(options.batch === undefined ? {} : { batch: options.batch }),
  });
  const logger = options.logger === undefined ? {} : { logger: options.logger };
  const wg = { runner, processes, policy, files, looks, ...logger };
  return {
    he_6in4: he6in4({ runner, processes, policy, looks }),
    wireguard: wireguard(wg),
    mullvad: mullvad(wg),
    external: external({ runner, policy, looks }),
  };
}
