import type { DriverError } from '@hurricane/core';
import { ok, okAsync, type Result, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { type Interface, readInterface } from './interface.js';
import { markIn } from './ownership.js';
import { readDump, type WgDump } from './wg-dump.js';

/** What is there under a name, for a WireGuard driver. */
export type Sight =
  | { readonly kind: 'absent'; readonly found: null; readonly dump: null }
  /** We brought it up: it carries our mark. */
  | { readonly kind: 'ours'; readonly found: Interface; readonly dump: WgDump | null }
  /** WireGuard, brought up by somebody else, who will take it down: used, and left as it is. */
  | { readonly kind: 'theirs'; readonly found: Interface; readonly dump: WgDump | null }
  /** Something else than WireGuard. */
  | { readonly kind: 'taken'; readonly found: Interface; readonly dump: null };

/** In the kernel, or in a process such as wireguard-go behind a TUN interface. */
export const mayBeWireguard = (found: Interface): boolean => found.kind === 'wireguard' || found.kind === 'tun';

export function lookAt(runner: CommandRunner, iface: string, signal: AbortSignal): ResultAsync<Sight, DriverError> {
  return safeTry(async function* () {
    const found = yield* readInterface(runner, iface, signal);
    if (found === null) return seen({ kind: 'absent', found, dump: null });
    if (!mayBeWireguard(found)) return seen({ kind: 'taken', found, dump: null });
    const dump = yield* readDump(runner, iface, signal);
    if (markIn(found.alias) !== null) return seen({ kind: 'ours', found, dump });
    if (found.kind === 'tun' && dump === null) return seen({ kind: 'taken', found, dump });
    return seen({ kind: 'theirs', found, dump });
  });
}

/** Whether an interface is a WireGuard driver's, whoever made it. */
export const isWireguard = (
  runner: CommandRunner,
  found: Interface,
  signal: AbortSignal,
): ResultAsync<boolean, DriverError> => {
  const isPlain = found.kind !== 'tun' || markIn(found.alias) !== null;
  return isPlain ? okAsync(mayBeWireguard(found)) : readDump(runner, found.name, signal).map((dump) => dump !== null);
};

const seen = (sight: Sight): Result<Sight, DriverError> => ok(sight);
