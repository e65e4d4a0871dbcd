import type { DriverError } from '@hurricane/core';
import { err, ok, type Result, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { readInterface } from './interface.js';
import { markInterface } from './ownership.js';
import type { ProcessTable } from './process-table.js';
import { removeLink } from './sit.js';
import type { Undo } from './undo.js';
import { hooksOf, type WgHook, type WgLine } from './wg-conf.js';
import { closingCopy, openingCopy } from './wg-copy.js';
import { readDump } from './wg-dump.js';
import { resolveEndpoints } from './wg-endpoints.js';
import type { WgFiles } from './wg-files.js';
import { wgQuick } from './wg-quick.js';
import { mayBeWireguard } from './wg-sight.js';

/** What making and removing WireGuard interfaces needs of the host. */
export interface WgParts {
  readonly runner: CommandRunner;
  readonly processes: ProcessTable;
  readonly files: WgFiles;
  readonly userspace: string;
}

/** The interface to make, and what from. */
export interface WgTarget {
  readonly iface: string;
  /** Of the file, for people. */
  readonly path: string;
  readonly lines: readonly WgLine[];
  readonly hooks: readonly WgHook[];
  readonly digest: string;
}

/**
 * Makes an interface that is not there, through wg-quick, and marks it as ours.
 *
 * From before it begins until the mark is on it, the copy of the file is there: whoever finds that
 * copy knows that the interface, if any, is ours and unfinished.
 */
export function raiseInterface(
  parts: WgParts,
  target: WgTarget,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  const { runner, files, userspace } = parts;
  const { iface, lines, path, hooks, digest } = target;
  return safeTry(async function* () {
    const endpoints = yield* resolveEndpoints(runner, { lines, path }, signal);
    note(() => files.removeCopy(iface, signal));
    yield* files.writeCopy(iface, openingCopy(lines, endpoints), signal);
    const call = { verb: 'up', iface, path: files.copyOf(iface), hooks, userspace } as const;
    const raised = await wgQuick(runner, call, signal);
    if (raised.isErr() && isBeaten(raised.error)) return err(raised.error);
    note(() => lowerInterface(parts, iface, lines, signal));
    yield* raised;
    yield* markInterface(runner, iface, { madeFrom: digest }, signal);
    return files.removeCopy(iface, signal);
  });
}

/** Somebody else made an interface of that name a moment ago: it is theirs. */
const isBeaten = (error: DriverError): boolean =>
  error.kind === 'command_failed' && error.stderr.includes('already exists');

/**
 * Removes an interface of ours, finished or not, and ends what is still at work on it.
 *
 * `lines`: of its file, whose `PreDown` and `PostDown` are due; null when that is not to be had. When
 * wg-quick fails, the interface goes all the same, and the failure is the answer.
 */
export function lowerInterface(
  parts: WgParts,
  iface: string,
  lines: readonly WgLine[] | null,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  const { runner, files } = parts;
  return safeTry(async function* () {
    yield* endEarlier(parts, iface, signal);
    const found = yield* readInterface(runner, iface, signal);
    if (found === null || !mayBeWireguard(found)) return files.removeCopy(iface, signal);
    const answers = (yield* readDump(runner, iface, signal)) !== null;
    // One that wg-quick did not finish is none for it to take down, either.
    const asked = lines !== null && answers ? await closeDown(parts, iface, lines, signal) : ok();
    if (asked.isErr() && asked.error.kind === 'aborted') return err(asked.error);
    const left = yield* readInterface(runner, iface, signal);
    if (left !== null) yield* removeLink(runner, iface, signal).orElse(unlessGone);
    yield* files.removeCopy(iface, signal);
    return asked;
  });
}

/** It went by itself between two looks: its process had been told to end. */
const unlessGone = (error: DriverError): Result<void, DriverError> =>
  error.kind === 'interface_missing' ? ok() : err(error);

function closeDown(
  { runner, files, userspace }: WgParts,
  iface: string,
  lines: readonly WgLine[],
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  const call = { verb: 'down', iface, path: files.copyOf(iface), hooks: hooksOf(lines), userspace } as const;
  return files.writeCopy(iface, closingCopy(lines), signal).andThen(() => wgQuick(runner, call, signal));
}

const done: Result<void, DriverError> = ok();

/** Ends a wg-quick that was started by a process of ours that crashed: it must not meet its successor. */
function endEarlier({ processes, files }: WgParts, iface: string, signal: AbortSignal): ResultAsync<void, DriverError> {
  return safeTry(async function* () {
    if (!(yield* files.hasCopy(iface, signal))) return done;
    const shells = yield* processes.find('bash', signal);
    const copy = files.copyOf(iface);
    const earlier = shells.filter(({ argv }) => argv[1]?.endsWith('/wg-quick') === true && argv.at(-1) === copy);
    for (const each of earlier) yield* processes.end(each, signal);
    return done;
  });
}
