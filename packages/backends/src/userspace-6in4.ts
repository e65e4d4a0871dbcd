import { isIPv4 } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { DriverError, Millis } from '@hurricane/core';
import { err, ok, type Result, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { type Interface, readInterface } from './interface.js';
import type { ProcessTable, RunningProcess, StartedProcess } from './process-table.js';
import { type Ends, sameEnds } from './sit.js';
import type { Undo } from './undo.js';

/** What carrying 6in4 in a process needs of the host. */
export interface UserspaceDeps {
  readonly runner: CommandRunner;
  readonly processes: ProcessTable;
}

/** How long socat may take to make its interface, and the kernel to take it away again. */
const APPEAR_LIMIT: Millis = 3_000;
const LOOK_AGAIN: Millis = 20;

/** How socat calls itself in its messages; also how we know our own from anybody else's. */
const MARK = '-lphurricane';

/**
 * Carries 6in4 in a socat process, for kernels without `sit`: what the interface is given leaves as
 * protocol 41, and back. `range` keeps everybody but the tunnel server from sending into it.
 *
 * The process belongs to nobody: it goes on when we crash, and the next `up` finds it.
 */
export function startCarrier(
  deps: UserspaceDeps,
  ends: Ends,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  return safeTry(async function* () {
    yield* checkEnds(ends);
    // One without an interface is on its way in or out: it must not meet its successor.
    yield* endCarriers(deps, ends.iface, signal);
    yield* checkAlone(deps, ends, signal);
    const argv = carrierArgv(ends);
    note(() => endCarriers(deps, ends.iface, signal));
    const started = yield* deps.processes.start(argv, signal);
    return await untilPresent(deps.runner, argv, started, ends.iface, signal);
  });
}

/** Whether a process of ours makes `iface` what it is, and if so, whether it is the one for these ends. */
export function findCarrier(
  deps: UserspaceDeps,
  ends: Ends,
  signal: AbortSignal,
): ResultAsync<'right' | 'outdated' | 'none', DriverError> {
  return carriersOf(deps, ends.iface, signal).map((found) => {
    const [first, ...more] = found;
    if (first === undefined) return 'none';
    return more.length === 0 && carries(first, ends) ? 'right' : 'outdated';
  });
}

/** Interfaces that processes of ours carry at the moment. */
export function carriedInterfaces(
  deps: Pick<UserspaceDeps, 'processes'>,
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  return carriers(deps, signal).map((all) => [...new Set(all.flatMap((each) => interfaceOf(each) ?? []))]);
}

/** Ends what carries `iface` and waits until the interface has gone with it. None there: changes nothing. */
export function endCarriers(deps: UserspaceDeps, iface: string, signal: AbortSignal): ResultAsync<void, DriverError> {
  return safeTry(async function* () {
    const found = yield* carriersOf(deps, iface, signal);
    for (const running of found) yield* deps.processes.end(running, signal);
    if (found.length === 0) return ok();
    const gone = await wait(deps.runner, iface, signal, (is) => is === null, null);
    return gone.map(() => undefined);
  });
}

/** The processes of ours that carry `iface`, whatever its ends were when they were started. */
function carriersOf(
  deps: UserspaceDeps,
  iface: string,
  signal: AbortSignal,
): ResultAsync<readonly RunningProcess[], DriverError> {
  return carriers(deps, signal).map((all) => all.filter(({ argv }) => argv[2] === tunOf(iface)));
}

const carriers = (
  { processes }: Pick<UserspaceDeps, 'processes'>,
  signal: AbortSignal,
): ResultAsync<readonly RunningProcess[], DriverError> =>
  processes.find('socat', signal).map((all) => all.filter(({ argv }) => argv.length === 4 && argv[1] === MARK));

/** While our own address is not known, whichever the process has is the best guess. */
function carries({ argv }: RunningProcess, ends: Ends): boolean {
  if (ends.local !== null) return argv[3] === farEnd(ends);
  return argv[3]?.replace(/,bind=[\d.]+/, '') === farEnd(ends);
}

/** Two processes with the same ends would both be given every packet. */
function checkAlone(deps: UserspaceDeps, ends: Ends, signal: AbortSignal): ResultAsync<void, DriverError> {
  return carriers(deps, signal).andThen((all) => {
    const twin = all.find(({ argv }) => argv[2] !== tunOf(ends.iface) && argv[3] === farEnd(ends));
    return twin === undefined ? ok() : err<void, DriverError>(sameEnds(ends, interfaceOf(twin)));
  });
}

const tunOf = (iface: string): string => `TUN,tun-name=${iface},tun-type=tun,iff-no-pi,iff-up`;

const interfaceOf = ({ argv }: RunningProcess): string | null =>
  /^TUN,tun-name=([^,]+),/.exec(argv[2] ?? '')?.[1] ?? null;

const farEnd = ({ remote, local }: Ends): string =>
  `IP4-DATAGRAM:${remote}:41${local === null ? '' : `,bind=${local}`},range=${remote}/32`;

const carrierArgv = (ends: Ends): readonly string[] => ['socat', MARK, tunOf(ends.iface), farEnd(ends)];

/** socat reads commas and colons in these as syntax: nothing else than names and addresses may get there. */
function checkEnds({ iface, remote, local }: Ends): Result<void, DriverError> {
  const wrong = (setting: string, problem: string): Result<void, DriverError> =>
    err({ kind: 'misconfigured', setting, problem });
  if (!/^[\w.-]{1,15}$/.test(iface)) return wrong('iface', `is "${iface}", which is not an interface name`);
  if (!isIPv4(remote)) return wrong('endpoint_ipv4', `is "${remote}", which is not an IPv4 address`);
  if (local !== null && !isIPv4(local)) return wrong('local_ipv4', `is "${local}", which is not an IPv4 address`);
  return ok();
}

async function untilPresent(
  runner: CommandRunner,
  argv: readonly string[],
  started: StartedProcess,
  iface: string,
  signal: AbortSignal,
): Promise<Result<void, DriverError>> {
  let exit: { readonly code: number | null } | null = null;
  void started.ended.then((code) => {
    exit = { code };
  });
  const present = await wait(
    runner,
    iface,
    signal,
    (is) => is !== null,
    () => exit !== null,
  );
  if (present.isErr()) return err(present.error);
  if (present.value) return ok();
  const code = (exit as { readonly code: number | null } | null)?.code ?? null;
  const stderr = `it ended before "${iface}" appeared; run it by hand to see why`;
  return err({ kind: 'command_failed', argv, exitCode: code, stderr });
}

/** False when `hopeless` came true before `done` did; an error when neither did in time. */
async function wait(
  runner: CommandRunner,
  iface: string,
  signal: AbortSignal,
  done: (found: Interface | null) => boolean,
  hopeless: (() => boolean) | null,
): Promise<Result<boolean, DriverError>> {
  const since = performance.now();
  for (;;) {
    const over = hopeless?.() === true;
    const found = await readInterface(runner, iface, signal);
    if (found.isErr()) return err(found.error);
    if (done(found.value)) return ok(true);
    if (over) return ok(false);
    if (performance.now() - since > APPEAR_LIMIT) return err({ kind: 'timed_out', after: APPEAR_LIMIT });
    await pause(LOOK_AGAIN, undefined, { signal }).catch(() => undefined);
  }
}
