import { execFileSync } from 'node:child_process';
import {
  type CommandRunner,
  ipBatch,
  type Launch,
  type LinuxDriversOptions,
  launchProgram,
  linuxDrivers,
  linuxRouteTable,
  type ProcessTable,
  systemProcesses,
  systemRunner,
} from '@hurricane/backends';
import { type DriverSet, ROUTING_DEFAULTS, type RouteTable } from '@hurricane/core';

/** The parts of the product as a daemon inside a network namespace would have them, right after its start. */
export interface ProductIn {
  readonly runner: CommandRunner;
  readonly processes: ProcessTable;
  readonly drivers: Required<DriverSet>;
  readonly routes: RouteTable;
  /** Ends what it keeps running. What it has made on the host stays, as after a crash. */
  close(): Promise<void>;
}

/** Each call is a process of its own: nothing is remembered from one to the next. */
export function productIn(namespace: string, files: Pick<LinuxDriversOptions, 'wireguardFiles'> = {}): ProductIn {
  const launch: Launch = (argv, options) => launchProgram(['ip', 'netns', 'exec', namespace, ...argv], options);
  const runner = systemRunner(launch);
  const processes = systemProcesses({ launch, namespace: `/run/netns/${namespace}` });
  const batch = ipBatch({ runner, launch });
  return {
    runner,
    processes,
    drivers: linuxDrivers({ routing: ROUTING_DEFAULTS, runner, batch, processes, ...files }),
    routes: linuxRouteTable({ runner, batch, metric: ROUTING_DEFAULTS.metric }),
    close: () => batch.close(),
  };
}

/** Runs a command in a namespace that has to succeed; answers with what it printed. */
export const within = (namespace: string, ...argv: string[]): string =>
  execFileSync('ip', ['netns', 'exec', namespace, ...argv], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** The same for one line of `ip -6`. */
export const ip6 = (namespace: string, line: string): string => within(namespace, 'ip', '-6', ...line.split(' '));

/** Links, addresses, rules and routes as the kernel has them, without what it changes by itself after a while. */
export function stateOf(namespace: string): string {
  const show = (...argv: string[]): string[] => within(namespace, 'ip', ...argv).split('\n');
  const lines = [
    ...show('link', 'show').map((line) => line.replace(/ state \w+/, '')),
    ...show('-o', 'addr', 'show').map((line) => line.replace(/\\.*/, '')),
    ...show('-6', 'rule'),
    ...show('-6', 'route', 'show', 'table', 'all')
      .map((line) => line.replace(/ linkdown/, ''))
      .sort(),
  ];
  return lines.filter((line) => !/inet6 fe80|^(local|anycast) fe80/.test(line)).join('\n');
}
