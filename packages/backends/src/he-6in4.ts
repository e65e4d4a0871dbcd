import type { BackendDriver, ConfigOf, DriverError, LinkReading } from '@hurricane/core';
import { err, ok, type Result, type ResultAsync, safeTry } from 'neverthrow';
import { dress } from './dress.js';
import { type Interface, readInterface, sourceAddress, toReading } from './interface.js';
import type { PolicyRouting } from './policy-routing.js';
import { type Ends, makeSit, removeLink, turnSit } from './sit.js';
import { readUnderlay } from './underlay.js';
import { type Undo, undoable } from './undo.js';
import { endCarriers, findCarrier, startCarrier, type UserspaceDeps } from './userspace-6in4.js';

export interface He6in4Deps extends UserspaceDeps {
  readonly policy: PolicyRouting;
}

type HeTunnel = ConfigOf<'he_6in4'>;

/** HE's default, and what an Ethernet underlay leaves after the outer IPv4 header. */
const MTU = 1_480;
const IPV4_HEADER = 20;
/** RFC 8200 section 5: every link must carry this much. */
const LEAST_MTU = 1_280;

/** 6in4 tunnels (RFC 4213) such as Hurricane Electric's: in the kernel where it can, else in a process. */
export function he6in4(deps: He6in4Deps): BackendDriver<'he_6in4'> {
  const { runner, policy } = deps;

  const inspect = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    readInterface(runner, tunnel.iface, signal).map((found) => readingOf(found, tunnel));

  const up = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    undoable((note) =>
      safeTry(async function* () {
        const { endpoint, address } = yield* required(tunnel);
        const found = yield* readInterface(runner, tunnel.iface, signal);
        const underlay = yield* readUnderlay(runner, endpoint, signal);
        // While the host has no way to the endpoint, an address that was right before is the best guess.
        const before = found?.ends?.remote === endpoint && found.ends.local !== 'any' ? found.ends.local : null;
        const ends = { iface: tunnel.iface, remote: endpoint, local: tunnel.local ?? underlay.source ?? before };
        const carried = yield* carry(deps, found, ends, note, signal);
        const mtu = Math.max(LEAST_MTU, Math.min(MTU, (underlay.mtu ?? MTU + IPV4_HEADER) - IPV4_HEADER));
        yield* dress(runner, carried, { address, prefixLength: tunnel.prefixLength, mtu }, note, signal);
        yield* policy.install(
          { iface: tunnel.iface, address, prefixLength: tunnel.prefixLength, gateway: null },
          signal,
        );
        return inspect(tunnel, signal);
      }),
    );

  const down = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      const found = yield* readInterface(runner, tunnel.iface, signal);
      // The interface first: until the rules go too, the guard stops what would leave by another tunnel.
      if (found?.kind === 'sit') yield* removeLink(runner, tunnel.iface, signal);
      else yield* endCarriers(deps, tunnel.iface, signal);
      return policy.remove(tunnel.iface, signal);
    });

  return { type: 'he_6in4', up, down, inspect };
}

/** Sees to it that there is an interface with these ends; answers how it now is. */
function carry(
  deps: He6in4Deps,
  found: Interface | null,
  ends: Ends,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<Interface, DriverError> {
  const { runner } = deps;
  return safeTry(async function* () {
    if (found?.kind === 'sit') {
      yield* turnSit(runner, found, ends, note, signal);
      return ok(found);
    }
    if (found !== null) {
      const carrier = found.kind === 'tun' ? yield* findCarrier(deps, ends, signal) : 'none';
      if (carrier === 'right') return ok(found);
      if (carrier === 'none') return err<Interface, DriverError>(taken(found));
    }
    const made = found === null ? yield* makeSit(runner, ends, note, signal) : 'no_sit_here';
    if (made === 'no_sit_here') yield* startCarrier(deps, ends, note, signal);
    const fresh = yield* readInterface(runner, ends.iface, signal);
    return fresh === null ? err<Interface, DriverError>({ kind: 'interface_missing', iface: ends.iface }) : ok(fresh);
  });
}

const taken = (found: Interface): DriverError => ({
  kind: 'interface_taken',
  iface: found.name,
  found: `${found.kind ?? 'hardware'} interface`,
});

function required(tunnel: HeTunnel): Result<{ readonly endpoint: string; readonly address: string }, DriverError> {
  const missing = (setting: string, what: string): DriverError => ({
    kind: 'misconfigured',
    setting,
    problem: `is not set for tunnel "${tunnel.name}": ${what}`,
  });
  if (tunnel.endpoint === null) return err(missing('endpoint_ipv4', "it is the tunnel server's IPv4 address"));
  if (tunnel.address === null) return err(missing('v6_prefix', "it is this end's IPv6 address"));
  return ok({ endpoint: tunnel.endpoint, address: tunnel.address });
}

function readingOf(found: Interface | null, tunnel: HeTunnel): LinkReading {
  const source = found === null ? null : sourceAddress(found, tunnel.address);
  return toReading(found, source, null, found?.kind === 'tun' ? 'userspace 6in4 (socat)' : 'kernel sit');
}
