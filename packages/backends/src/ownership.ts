import type { DriverError } from '@hurricane/core';
import type { ResultAsync } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { obey } from './obey.js';

/** How an interface says that it is ours: in its alias, which stays when we crash and goes when it goes. */
const MARK = 'v6-gatewayd';

/** What the mark says: whose the interface is and, for the drivers that want to know, what it was made from. */
export interface Mark {
  /** Letters and digits; null when the mark carries none. */
  readonly madeFrom: string | null;
}

/** Null when the alias is not a mark of ours. `alias` as `ip` shows it (`ifalias`). */
export function markIn(alias: string | null): Mark | null {
  const found = /^v6-gatewayd(?::([0-9a-z]+))?$/.exec(alias ?? '');
  return found === null ? null : { madeFrom: found[1] ?? null };
}

/**
 * The group that interfaces of ours are born into. `ip link add` cannot write an alias (rtnl_create_link
 * knows groups only), and a process may die before its next command: until then the group is the mark.
 */
export const NURSERY = '206206';

/** Whether an interface says that it is ours. */
export const isMarked = (found: { readonly alias: string | null; readonly group: string | null }): boolean =>
  markIn(found.alias) !== null || found.group === NURSERY;

/** Writes on an interface in the nursery that it is ours, and lets it out: one message to the kernel. */
export const christen = (runner: CommandRunner, iface: string, signal: AbortSignal): ResultAsync<void, DriverError> =>
  obey(runner, ['ip', 'link', 'set', 'dev', iface, 'group', '0', 'alias', MARK], signal).map(() => undefined);

/** Writes on an interface that it is ours. */
export function markInterface(
  runner: CommandRunner,
  iface: string,
  mark: Mark,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  const alias = mark.madeFrom === null ? MARK : `${MARK}:${mark.madeFrom}`;
  return obey(runner, ['ip', 'link', 'set', 'dev', iface, 'alias', alias], signal).map(() => undefined);
}
