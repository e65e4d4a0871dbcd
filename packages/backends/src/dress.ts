import type { DriverError } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import type { Interface } from './interface.js';
import { obey } from './obey.js';
import { sameAddress } from './prefix.js';
import type { Undo } from './undo.js';

/** What an interface of ours should have. */
export interface Dress {
  readonly address: string;
  readonly prefixLength: number;
  readonly mtu: number;
}

/**
 * Marks an address of ours on an interface of somebody else's: the metric of the route that comes with
 * it, which nobody else chooses. iproute2 6.1 cannot set an address's own protocol number.
 */
export const LENT_METRIC = 206;

/**
 * Gives an interface of ours its MTU, its address and the state `up`, each only where it has not.
 * Resolves to what it had not, a phrase each.
 */
export function dress(
  runner: CommandRunner,
  found: Interface,
  want: Dress,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  const link = (...args: string[]): readonly string[] => ['ip', 'link', 'set', 'dev', found.name, ...args];
  const address = (verb: string, of: string, ...args: string[]): readonly string[] => [
    ...['ip', '-6', 'addr', verb, of, 'dev', found.name, ...args],
  ];
  const step = (argv: readonly string[], back: readonly string[]): ResultAsync<unknown, DriverError> => {
    note(() => runner.run(back, signal));
    return obey(runner, argv, signal);
  };
  return safeTry(async function* () {
    const restored: string[] = [];
    if (found.mtu !== want.mtu) {
      yield* step(link('mtu', `${want.mtu}`), link('mtu', `${found.mtu ?? want.mtu}`));
      restored.push(`MTU ${want.mtu} of ${found.name}`);
    }
    const wanted = `${want.address}/${want.prefixLength}`;
    const has = found.addresses.find((each) => sameAddress(each.address, want.address));
    // The kernel keeps an address's old prefix length when told a new one (inet6_addr_modify): take it away first.
    if (has !== undefined && has.length !== want.prefixLength) {
      const old = `${has.address}/${has.length}`;
      yield* step(address('del', old), address('replace', old, 'nodad'));
    }
    if (has?.length !== want.prefixLength) {
      // No duplicate address detection: a tunnel has two ends, and waiting a second for the other gains nothing.
      yield* step(address('replace', wanted, 'nodad'), address('del', wanted));
      restored.push(`address ${wanted} on ${found.name}`);
    }
    if (!found.up) yield* step(link('up'), link('down'));
    return ok(restored);
  });
}

/** Gives an interface of somebody else's our address where it has not got it, and changes nothing else. */
export function lendAddress(
  runner: CommandRunner,
  found: Interface,
  want: Dress,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  if (found.addresses.some((each) => sameAddress(each.address, want.address))) return okAsync([]);
  const wanted = `${want.address}/${want.prefixLength}`;
  const on = ['dev', found.name];
  note(() => runner.run(['ip', '-6', 'addr', 'del', wanted, ...on], signal));
  const argv = ['ip', '-6', 'addr', 'replace', wanted, ...on, 'nodad', 'metric', `${LENT_METRIC}`];
  return obey(runner, argv, signal).map(() => [`address ${wanted} on ${found.name}`]);
}

/** Takes addresses of ours off an interface of somebody else's. */
export function takeBackAddresses(
  runner: CommandRunner,
  found: Interface,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  return new ResultAsync(takeBack(runner, found, signal));
}

async function takeBack(
  runner: CommandRunner,
  found: Interface,
  signal: AbortSignal,
): Promise<Result<void, DriverError>> {
  for (const { address, length } of found.addresses.filter((each) => each.metric === LENT_METRIC)) {
    const done = await obey(runner, ['ip', '-6', 'addr', 'del', `${address}/${length}`, 'dev', found.name], signal);
    if (done.isErr()) return err(done.error);
  }
  return ok();
}
