import { isIPv6 } from 'node:net';
import type { DriverError, FlowTable } from '@hurricane/core';
import { errAsync, type ResultAsync } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { obey } from './obey.js';

/**
 * TCP connections as the kernel has them. Ended ones fail at once with ECONNABORTED. Only kernels with
 * INET_DIAG_DESTROY can do it; on others nothing is ended, and the answer is 0.
 */
export function linuxFlows(runner: CommandRunner): FlowTable {
  return { abort: (address, signal) => abortFrom(runner, address, signal) };
}

function abortFrom(runner: CommandRunner, address: string, signal: AbortSignal): ResultAsync<number, DriverError> {
  // ss reads words such as `or` and whole expressions there: nothing else than an address may get in.
  if (!isIPv6(address) || address.includes('%')) {
    return errAsync({ kind: 'misconfigured', setting: 'v6_prefix', problem: `is "${address}", not an IPv6 address` });
  }
  // Connections only: without `-a`, ss passes over listening sockets. One line for each that it ended.
  const argv = ['ss', '-K', '-H', '-6', '-t', '-n', '-O', 'src', `[${address}]`];
  return obey(runner, argv, signal).map(({ stdout }) => stdout.split('\n').filter((line) => line.trim() !== '').length);
}
