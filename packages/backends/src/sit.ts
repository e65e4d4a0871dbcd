import type { DriverError } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner, Finished } from './command.js';
import type { Interface } from './interface.js';
import { faultOf, obey } from './obey.js';
import { isMarked, NURSERY } from './ownership.js';
import { isRow, numberOf, parseRows, type Row, textOf } from './rows.js';
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
 * Makes a `sit` interface in the group that says it is ours. Always with `remote`: without, the kernel
 * takes 6in4 packets from anybody. A kernel that lacks them says so and is left as it was.
 */
export function makeSit(
  runner: CommandRunner,
  ends: Ends,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<SitOutcome, DriverError> {
  return safeTry(async function* () {
    const argv = ['ip', 'link', 'add', 'name', ends.iface, 'group', NURSERY, 'type', 'sit', ...endArgs(ends)];
    const finished = yield* runner.run(argv, signal);
    if (/Unknown device type|Operation not supported/.test(finished.stderr)) return answer('no_sit_here');
    // The name was free a moment ago, so it is the pair of addresses that is taken (ipip6_newlink in sit.c).
    if (isTaken(finished)) return err<SitOutcome, DriverError>(yield* twinOf(runner, ends, signal));
    // Whatever it said, it may have been made.
    note(() => removeLink(runner, ends.iface, signal));
    if (finished.exitCode !== 0) return err<SitOutcome, DriverError>(faultOf(argv, finished));
    return answer('made');
  });
}

const answer = (outcome: SitOutcome): Result<SitOutcome, DriverError> => ok(outcome);

const isTaken = ({ exitCode, stderr }: Finished): boolean => exitCode !== 0 && /File exists/.test(stderr);

/** Whether an interface has these ends already. */
export const hasEnds = (found: Interface, { remote, local }: Ends): boolean =>
  found.ends?.remote === remote && found.ends.local === (local ?? 'any');

/** Points an existing `sit` interface elsewhere without taking it down: its addresses and routes stay. */
export function turnSit(
  runner: CommandRunner,
  found: Interface,
  ends: Ends,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  if (hasEnds(found, ends)) return okAsync(undefined);
  const was = found.ends ?? { remote: 'any', local: 'any' };
  const argvTo = (to: { readonly remote: string; readonly local: string | null }): readonly string[] => [
    ...['ip', 'link', 'set', 'dev', ends.iface, 'type', 'sit', ...endArgs(to)],
  ];
  note(() => obey(runner, argvTo(was), signal));
  const turn = async (): Promise<Result<void, DriverError>> => {
    const finished = await runner.run(argvTo(ends), signal);
    if (finished.isErr()) return err(finished.error);
    if (finished.value.exitCode === 0) return ok();
    if (!isTaken(finished.value)) return err(faultOf(argvTo(ends), finished.value));
    return (await twinOf(runner, ends, signal)).andThen((twin) => err(twin));
  };
  return new ResultAsync(turn());
}

/**
 * Removes the interface with that number of the kernel's if it is a `sit` that says it is ours: the number stays with
 * it whatever it is called.
 */
export function removeRenamed(
  runner: CommandRunner,
  index: number | null,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  if (index === null) return okAsync(undefined);
  return allSits(runner, signal).andThen((rows) => {
    const row = rows.find((each) => numberOf(each, 'ifindex') === index);
    const name = row === undefined ? null : textOf(row, 'ifname');
    if (row === undefined || name === null) return okAsync(undefined);
    if (!isMarked({ alias: textOf(row, 'ifalias'), group: textOf(row, 'group') })) return okAsync(undefined);
    return removeLink(runner, name, signal);
  });
}

/** Why the kernel says that a tunnel with these ends exists: it tells tunnels apart by nothing else. */
function twinOf(runner: CommandRunner, ends: Ends, signal: AbortSignal): ResultAsync<DriverError, DriverError> {
  return allSits(runner, signal).map((rows) => {
    const twin = rows.find((row) => {
      const info = isRow(row['linkinfo']) ? row['linkinfo'] : {};
      const data = isRow(info['info_data']) ? info['info_data'] : {};
      return textOf(data, 'remote') === ends.remote && (textOf(data, 'local') ?? 'any') === (ends.local ?? 'any');
    });
    return sameEnds(ends, twin === undefined ? null : textOf(twin, 'ifname'));
  });
}

function allSits(runner: CommandRunner, signal: AbortSignal): ResultAsync<readonly Row[], DriverError> {
  const argv = ['ip', '-j', '-d', 'link', 'show', 'type', 'sit'];
  return obey(runner, argv, signal).andThen((shown) => parseRows(argv, shown.stdout));
}

/** Two tunnels of one server and one address of ours. `other`: the interface that has them; null when not known. */
export function sameEnds({ iface, remote, local }: Ends, other: string | null): DriverError {
  const who = other === null ? 'another interface' : `"${other}"`;
  const has = `is ${remote}, to which ${who} already has a tunnel from ${local ?? 'this machine'}`;
  const way = `the kernel could not tell it from "${iface}": give one of them another server or another "local_ipv4"`;
  return { kind: 'misconfigured', setting: 'endpoint_ipv4', problem: `${has}; ${way}` };
}

export const removeLink = (runner: CommandRunner, iface: string, signal: AbortSignal): ResultAsync<void, DriverError> =>
  obey(runner, ['ip', 'link', 'del', 'dev', iface], signal).map(() => undefined);

const endArgs = (ends: { readonly remote: string; readonly local: string | null }): readonly string[] => [
  ...['remote', ends.remote, 'local', ends.local ?? 'any', 'ttl', TTL],
];
