import type { BackendDriver, ConfigOf, DriverError, LinkReading, Logger, UnixSeconds } from '@hurricane/core';
import { err, ok, okAsync, type Result, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { installFor } from './external.js';
import { type HostLooks, hostLooks } from './host-looks.js';
import { markIn } from './ownership.js';
import type { PolicyTarget } from './policy-changes.js';
import type { PolicyRouting } from './policy-routing.js';
import type { ProcessTable } from './process-table.js';
import { type Undo, undoable } from './undo.js';
import { belongingsIn, futureSource, putBackAddresses, putBackNetworks, type WgBelongings } from './wg-belongings.js';
import { digestOf, hooksOf, parseWgConf, type WgLine } from './wg-conf.js';
import { headingOf } from './wg-copy.js';
import { checkEndpoints } from './wg-endpoints.js';
import type { WgFile, WgFiles } from './wg-files.js';
import { lowerInterface, raiseInterface } from './wg-interface.js';
import { linesOf, type MadeFrom, madeFrom } from './wg-made.js';
import { notesOn, saidOnce } from './wg-notes.js';
import { wgReading } from './wg-reading.js';
import { repairWireguard } from './wg-repair.js';
import { lookAt, type Sight } from './wg-sight.js';

export interface WireguardDeps {
  readonly runner: CommandRunner;
  readonly processes: ProcessTable;
  readonly policy: PolicyRouting;
  readonly files: WgFiles;
  /** Shared by all drivers of a host. Default: of this one alone. */
  readonly looks?: HostLooks;
  /** Told once of each thing about a file that its author may not expect. */
  readonly logger?: Logger;
  /** The program wg-quick uses where the kernel has no WireGuard. Default: as wg-quick chooses it. */
  readonly userspace?: string;
  readonly wall?: () => UnixSeconds;
}

type WgType = 'wireguard' | 'mullvad';
type WgTunnel = ConfigOf<WgType>;

/** Tunnels of `/etc/wireguard/IFACE.conf`, brought up and down with `wg-quick`. */
export const wireguard = (deps: WireguardDeps): BackendDriver<'wireguard'> => wgDriver('wireguard', deps);

/** The same with a file from Mullvad. */
export const mullvad = (deps: WireguardDeps): BackendDriver<'mullvad'> => wgDriver('mullvad', deps);

function wgDriver<T extends WgType>(type: T, deps: WireguardDeps): BackendDriver<T> {
  const { runner, policy, files, looks = hostLooks(deps.runner) } = deps;
  const userspace = deps.userspace ?? process.env['WG_QUICK_USERSPACE_IMPLEMENTATION'] ?? 'wireguard-go';
  const parts = { ...deps, userspace };
  const wall = deps.wall ?? ((): UnixSeconds => Math.floor(Date.now() / 1000));
  const say = saidOnce(deps.logger ?? null);
  const made = madeFrom(files);

  const readingOf = (seen: Sight, tunnel: WgTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    givenTo(seen, made, signal).map((given) =>
      wgReading(seen, { preferred: tunnel.address, given, userspace, wall: wall() }),
    );

  const inspect = (tunnel: WgTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    lookAt(runner, tunnel.iface, signal).andThen((seen) => readingOf(seen, tunnel, signal));

  const up = (tunnel: WgTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    undoable((note) =>
      safeTry(async function* () {
        yield* checkName(tunnel);
        const seen = yield* lookAt(runner, tunnel.iface, signal);
        if (seen.kind === 'taken') return err<LinkReading, DriverError>(taken(seen));
        const isBrokenOff = yield* files.hasCopy(tunnel.iface, signal);
        if (seen.kind === 'theirs' && !isBrokenOff) yield* checkUp(seen);
        else yield* haveOurs(tunnel, isBrokenOff ? null : seen, note, signal);
        const ready = yield* lookAt(runner, tunnel.iface, signal);
        yield* checkEndpoints(ready.dump, tunnel.iface);
        yield* installFor(policy, tunnel.iface, yield* readingOf(ready, tunnel, signal), signal);
        return inspect(tunnel, signal);
      }),
    );

  /** From the moment the address is there, its packets leave through the tunnel or not at all. */
  const hold = (
    target: PolicyTarget,
    note: (undo: Undo) => void,
    signal: AbortSignal,
  ): ResultAsync<void, DriverError> =>
    policy.hold(target, signal).map((isNew) => {
      if (isNew) note(() => policy.remove(target.iface, signal));
    });

  /** An interface made from the file as it is. `seen`: what there is; null when nobody knows what state that is in. */
  const haveOurs = (
    { iface, address: preferred }: WgTunnel,
    seen: Sight | null,
    note: (undo: Undo) => void,
    signal: AbortSignal,
  ): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      const { file, lines } = yield* readConf(files, iface, signal);
      for (const each of notesOn(file, lines)) say(each);
      const digest = await digestOf(lines);
      const given = belongingsIn(lines);
      const source = futureSource(given, preferred);
      if (source !== null)
        yield* hold({ iface, gateway: null, address: source.address, prefixLength: source.length }, note, signal);
      if (seen !== null && isMadeFrom(seen, digest)) {
        yield* putBackAddresses(runner, seen.found, given, signal);
        yield* putBackNetworks(runner, iface, given, signal);
        return ok();
      }
      const target = { iface, path: file.path, lines, digest, hooks: hooksOf(lines) };
      if (seen?.kind !== 'absent') yield* lowerInterface(parts, iface, lines, signal).orElse(keepOnlyAbort);
      return raiseInterface(parts, target, note, signal);
    });

  const repair = ({ iface, address: preferred }: WgTunnel, signal: AbortSignal) =>
    repairWireguard({ runner, policy, looks, made }, { iface, preferred }, signal);

  const down = (tunnel: WgTunnel, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      made.forget(tunnel.iface);
      const seen = yield* lookAt(runner, tunnel.iface, signal);
      const isNamed = checkName(tunnel).isOk();
      const isBrokenOff = isNamed && (yield* files.hasCopy(tunnel.iface, signal));
      if (isNamed && (seen.kind === 'ours' || isBrokenOff)) {
        const lines = yield* linesOf(files, tunnel.iface, signal);
        yield* lowerInterface(parts, tunnel.iface, lines, signal);
      }
      return policy.remove(tunnel.iface, signal);
    });

  return { type, up, down, inspect, repair };
}

const givenTo = (
  { found }: Sight,
  made: MadeFrom,
  signal: AbortSignal,
): ResultAsync<WgBelongings | null, DriverError> => (found === null ? okAsync(null) : made.belongings(found, signal));

/** The file's text becomes a path and, in wg-quick, an interface: nothing else than a name may get there. */
function checkName({ iface }: WgTunnel): Result<void, DriverError> {
  if (/^(?!\.)[\w.+=-]{1,15}$/.test(iface)) return ok();
  return err({ kind: 'misconfigured', setting: 'iface', problem: `is "${iface}", which cannot name an interface` });
}

function readConf(
  files: WgFiles,
  iface: string,
  signal: AbortSignal,
): ResultAsync<{ readonly file: WgFile; readonly lines: readonly WgLine[] }, DriverError> {
  type Read = Result<{ readonly file: WgFile; readonly lines: readonly WgLine[] }, DriverError>;
  const no = (problem: string): Read => err({ kind: 'misconfigured', setting: 'iface', problem });
  return files.read(iface, signal).andThen((file): Read => {
    if (file === null) return no(`is "${iface}", but there is no ${files.pathOf(iface)}`);
    const lines = parseWgConf(file.text);
    if (headingOf(lines) === undefined) return no(`is "${iface}", but ${file.path} has no [Interface] section`);
    return ok({ file, lines });
  });
}

/** Made from what the file says today, and up. An address may have been taken from it since. */
const isMadeFrom = (seen: Sight, digest: string): seen is Extract<Sight, { kind: 'ours' }> =>
  seen.kind === 'ours' && seen.found.up && markIn(seen.found.alias)?.madeFrom === digest;

function checkUp({ found }: Extract<Sight, { kind: 'theirs' }>): Result<void, DriverError> {
  if (found.up) return ok();
  const problem = `names "${found.name}", which is down: whoever made it has to bring it up`;
  return err({ kind: 'misconfigured', setting: 'iface', problem });
}

const taken = ({ found }: Extract<Sight, { kind: 'taken' }>): DriverError => ({
  kind: 'interface_taken',
  iface: found.name,
  found: `${found.kind ?? 'hardware'} interface`,
});

/** What was left of an interface of ours is gone either way: a failed command of its file is no reason not to go on. */
const keepOnlyAbort = (error: DriverError): Result<void, DriverError> => (error.kind === 'aborted' ? err(error) : ok());
