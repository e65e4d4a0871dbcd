import type { DriverError } from '@hurricane/core';
import { ok, type ResultAsync, safeTry } from 'neverthrow';
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

/** Gives an interface its MTU, its address and the state `up`, each only where it has not. */
export function dress(
  runner: CommandRunner,
  found: Interface,
  want: Dress,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  const link = (...args: string[]): readonly string[] => ['ip', 'link', 'set', 'dev', found.name, ...args];
  const address = (verb: string, of: string, ...args: string[]): readonly string[] => [
    ...['ip', '-6', 'addr', verb, of, 'dev', found.name, ...args],
  ];
  const step = (argv: readonly string[], back: readonly string[]): ResultAsync<unknown, DriverError> => {
    note(() => runner.run(back, signal));
    return obey(runner, argv, signal);
  };
  return safeTry(async function* () {
    if (found.mtu !== want.mtu) {
      yield* step(link('mtu', `${want.mtu}`), link('mtu', `${found.mtu ?? want.mtu}`));
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
    }
    if (!found.up) yield* step(link('up'), link('down'));
    return ok();
  });
}
