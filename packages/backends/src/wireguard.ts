import type { BackendDriver, ConfigOf, DriverError, LinkReading, Millis } from '@hurricane/core';
import { err, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { installFor } from './external.js';
import { type Interface, readInterface, sourceAddress, toReading } from './interface.js';
import { obey } from './obey.js';
import type { PolicyRouting } from './policy-routing.js';
import { undoable } from './undo.js';

export interface WireguardDeps {
  readonly runner: CommandRunner;
  readonly policy: PolicyRouting;
}

type WgType = 'wireguard' | 'mullvad';

/** How long `wg-quick` may take. It resolves names itself, and resolvers give up at 5 s a try. */
const WG_QUICK_LIMIT: Millis = 15_000;

/** Tunnels of `/etc/wireguard/IFACE.conf`, brought up and down with `wg-quick`. */
export const wireguard = (deps: WireguardDeps): BackendDriver<'wireguard'> => wgQuick('wireguard', deps);

/** The same with a file from Mullvad. */
export const mullvad = (deps: WireguardDeps): BackendDriver<'mullvad'> => wgQuick('mullvad', deps);

function wgQuick<T extends WgType>(type: T, deps: WireguardDeps): BackendDriver<T> {
  const { runner, policy } = deps;
  const run = (verb: 'up' | 'down', iface: string, signal: AbortSignal): ResultAsync<unknown, DriverError> =>
    obey(runner, ['wg-quick', verb, iface], signal, { deadline: WG_QUICK_LIMIT });

  const inspect = (tunnel: ConfigOf<WgType>, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    readInterface(runner, tunnel.iface, signal).map((found) => readingOf(found, tunnel));

  const up = (tunnel: ConfigOf<WgType>, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    undoable((note) =>
      safeTry(async function* () {
        const found = yield* readInterface(runner, tunnel.iface, signal);
        if (found !== null && !isWireguard(found)) return err<LinkReading, DriverError>(taken(found));
        if (found === null) {
          note(() => run('down', tunnel.iface, signal));
          yield* run('up', tunnel.iface, signal);
        } else if (!found.up) {
          const set = (state: string): readonly string[] => ['ip', 'link', 'set', 'dev', tunnel.iface, state];
          note(() => obey(runner, set('down'), signal));
          yield* obey(runner, set('up'), signal);
        }
        yield* installFor(policy, tunnel.iface, yield* inspect(tunnel, signal), signal);
        return inspect(tunnel, signal);
      }),
    );

  const down = (tunnel: ConfigOf<WgType>, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      const found = yield* readInterface(runner, tunnel.iface, signal);
      if (found !== null && isWireguard(found)) yield* run('down', tunnel.iface, signal);
      return policy.remove(tunnel.iface, signal);
    });

  return { type, up, down, inspect };
}

/** In the kernel, or in a process such as wireguard-go behind a TUN interface. */
const isWireguard = (found: Interface): boolean => found.kind === 'wireguard' || found.kind === 'tun';

const taken = (found: Interface): DriverError => ({
  kind: 'interface_taken',
  iface: found.name,
  found: `${found.kind ?? 'hardware'} interface`,
});

function readingOf(found: Interface | null, tunnel: ConfigOf<WgType>): LinkReading {
  const source = found === null ? null : sourceAddress(found, tunnel.address);
  return toReading(found, source, null, found?.kind === 'tun' ? 'userspace wireguard' : 'kernel wireguard');
}
