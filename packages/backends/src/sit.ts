import type { DriverError } from '@hurricane/core';
import { err, ok, okAsync, type Result, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import type { Interface } from './interface.js';
import { faultOf, obey } from './obey.js';
import type { Undo } from './undo.js';

/** The IPv4 ends of a 6in4 tunnel. */
export interface Ends {
  readonly iface: string;
  readonly remote: string;
  /** Null: whatever address the packets happen to leave from. */
  readonly local: string | null;
}

/** What came of asking the kernel for a `sit` interface. */
export type SitOutcome = 'made' | 'no_sit_here';

/** Not 0: the kernel then sets "don't fragment" on the outer packet, so that path MTU discovery works (sit.c). */
const TTL = '255';

/**
 * Makes a `sit` interface. Always with `remote`: without, the kernel takes 6in4 packets from anybody.
 * A kernel that lacks them says so and is left as it was.
 */
export function makeSit(
  runner: CommandRunner,
  ends: Ends,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<SitOutcome, DriverError> {
  return safeTry(async function* () {
    const argv = ['ip', 'link', 'add', 'name', ends.iface, 'type', 'sit', ...endArgs(ends)];
    const finished = yield* runner.run(argv, signal);
    if (finished.exitCode === 0) {
      note(() => removeLink(runner, ends.iface, signal));
      return answer('made');
    }
    if (/Unknown device type|Operation not supported/.test(finished.stderr)) return answer('no_sit_here');
    // The name was free a moment ago, so it is the pair of addresses that is taken (ipip6_newlink in sit.c).
    if (/File exists/.test(finished.stderr)) {
      const problem = `${ends.remote} already has a tunnel from ${ends.local ?? 'this machine'} on another interface`;
      return err<SitOutcome, DriverError>({ kind: 'misconfigured', setting: 'endpoint_ipv4', problem });
    }
    // It may have been made all the same.
    note(() => removeLink(runner, ends.iface, signal));
    return err<SitOutcome, DriverError>(faultOf(argv, finished));
  });
}

const answer = (outcome: SitOutcome): Result<SitOutcome, DriverError> => ok(outcome);

/** Points an existing `sit` interface elsewhere without taking it down: its addresses and routes stay. */
export function turnSit(
  runner: CommandRunner,
  found: Interface,
  ends: Ends,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  const was = found.ends ?? { remote: 'any', local: 'any' };
  if (was.remote === ends.remote && was.local === (ends.local ?? 'any')) return okAsync(undefined);
  const turn = (to: { readonly remote: string; readonly local: string | null }): ResultAsync<void, DriverError> =>
    obey(runner, ['ip', 'link', 'set', 'dev', ends.iface, 'type', 'sit', ...endArgs(to)], signal).map(() => undefined);
  note(() => turn(was));
  return turn(ends);
}

export const removeLink = (runner: CommandRunner, iface: string, signal: AbortSignal): ResultAsync<void, DriverError> =>
  obey(runner, ['ip', 'link', 'del', 'dev', iface], signal).map(() => undefined);

const endArgs = (ends: { readonly remote: string; readonly local: string | null }): readonly string[] => [
  ...['remote', ends.remote, 'local', ends.local ?? 'any', 'ttl', TTL],
];
