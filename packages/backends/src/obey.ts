import type { DriverError } from '@hurricane/core';
import { err, ok, type ResultAsync } from 'neverthrow';
import type { CommandRunner, Finished, RunOptions } from './command.js';

/** Runs a command that has to succeed: a non-zero exit is an error here. */
export function obey(
  runner: CommandRunner,
  argv: readonly string[],
  signal: AbortSignal,
  options?: RunOptions,
): ResultAsync<Finished, DriverError> {
  return runner.run(argv, signal, options).andThen((finished) => {
    return finished.exitCode === 0 ? ok(finished) : err<Finished, DriverError>(faultOf(argv, finished));
  });
}

/** What a command that did not do as it was told means. */
export function faultOf(
  argv: readonly string[],
  finished: Finished,
): Extract<DriverError, { kind: 'not_permitted' | 'interface_missing' | 'command_failed' }> {
  const { exitCode, stderr } = finished;
  if (/Operation not permitted|Permission denied|must be root/.test(stderr)) {
    return { kind: 'not_permitted', operation: `run "${argv.join(' ')}"` };
  }
  const gone = missingDevice(stderr);
  return gone === null
    ? { kind: 'command_failed', argv, exitCode, stderr }
    : { kind: 'interface_missing', iface: gone };
}

/** The interface that `ip` says it cannot find; null when it complains of something else. */
export function missingDevice(stderr: string): string | null {
  return /^(?:Cannot find device "(.*)"|Device "(.*)" does not exist\.)$/m.exec(stderr)?.slice(1).find(Boolean) ?? null;
}
