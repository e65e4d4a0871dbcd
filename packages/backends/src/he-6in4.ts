import { ABSENT, type BackendDriver, type ConfigOf, type DriverError, type LinkReading } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync, safeTry } from 'neverthrow';
import { carry } from './carry-6in4.js';
import { dress, lendAddress, takeBackAddresses } from './dress.js';
import { type Interface, readInterface, sourceAddress, toReading } from './interface.js';
import { orNoIpv6 } from './ipv6-switch.js';
import { isMarked } from './ownership.js';
import type { PolicyTarget } from './policy-changes.js';
import type { PolicyRouting } from './policy-routing.js';
import { sameAddress } from './prefix.js';
import { removeLink } from './sit.js';
import { readUnderlay, type Underlay } from './underlay.js';
import { type Undo, undoable } from './undo.js';
import { endCarriers, type UserspaceDeps } from './userspace-6in4.js';

export interface He6in4Deps extends UserspaceDeps {
  readonly policy: PolicyRouting;
}

type HeTunnel = ConfigOf<'he_6in4'>;

/** HE's default, and what an Ethernet underlay leaves after the outer IPv4 header. */
const MTU = 1_480;
const IPV4_HEADER = 20;
/** RFC 8200 section 5: every link must carry this much. */
const LEAST_MTU = 1_280;

/** How the tunnel's routing is made right. */
interface Routing {
  /** Before the interface has the address. */
  readonly hold: (target: PolicyTarget) => ResultAsync<unknown, DriverError>;
  /** Once it has it; resolves to what was put back. */
  readonly route: (target: PolicyTarget) => ResultAsync<readonly string[], DriverError>;
}

/** What a tunnel is to be, and what there is. */
interface Sight {
  readonly endpoint: string;
  readonly address: string;
  readonly found: Interface | null;
  readonly underlay: Underlay;
}

/** 6in4 tunnels (RFC 4213) such as Hurricane Electric's: in the kernel where it can, else in a process. */
export function he6in4(deps: He6in4Deps): BackendDriver<'he_6in4'> {
  const { runner, policy } = deps;
  const carrying = { ...deps, rightProcess: new Map<string, string>() };

  const inspect = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    readInterface(runner, tunnel.iface, signal).map((found) => readingOf(found, tunnel));

  /** Makes everything what it should be, each thing only where it is not; resolves to what was not. */
  const settle = (
    tunnel: HeTunnel,
    { endpoint, address, found, underlay }: Sight,
    { hold, route }: Routing,
    note: (undo: Undo) => void,
    signal: AbortSignal,
  ): ResultAsync<readonly string[], DriverError> =>
    safeTry(async function* () {
      // While the host has no way to the endpoint, an address that was right before is the best guess.
      const before = found?.ends?.remote === endpoint && found.ends.local !== 'any' ? found.ends.local : null;
      const ends = { iface: tunnel.iface, remote: endpoint, local: tunnel.local ?? underlay.source ?? before };
      const carried = yield* carry(carrying, { tunnel, found, ends }, note, signal);
      const { prefixLength } = tunnel;
      const target = { iface: tunnel.iface, address, prefixLength, gateway: null };
      const isThere = carried.link.addresses.some((each) => sameAddress(each.address, address));
      if (!isThere) yield* hold(target);
      const want = { address, prefixLength, mtu: mtuFor(tunnel, underlay, found) };
      const dressed = yield* (carried.isOurs ? dress : lendAddress)(runner, carried.link, want, note, signal);
      const routed = yield* route(target);
      return ok([...carried.restored, ...dressed, ...routed]);
    });

  const look = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<Sight, DriverError> =>
    required(tunnel).asyncAndThen(({ endpoint, address }) =>
      ResultAsync.combine([readInterface(runner, tunnel.iface, signal), readUnderlay(runner, endpoint, signal)]).map(
        ([found, underlay]) => ({ endpoint, address, found, underlay }),
      ),
    );

  const up = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> => {
    const raised = undoable((note) => {
      const hold = (target: PolicyTarget): ResultAsync<void, DriverError> =>
        policy.hold(target, signal).map((isNew) => {
          if (isNew) note(() => policy.remove(target.iface, signal));
        });
      const route: Routing['route'] = (target) => policy.install(target, signal).map(() => []);
      return look(tunnel, signal)
        .andThen((seen) => settle(tunnel, seen, { hold, route }, note, signal))
        .andThen(() => inspect(tunnel, signal));
    });
    return orNoIpv6(runner, tunnel.iface, signal, raised);
  };

  const repair = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<readonly string[], DriverError> => {
    const route: Routing['route'] = (target) => policy.repair(target, signal);
    // All of it is put back in a moment, and told of then.
    const hold = (): ResultAsync<void, DriverError> => okAsync(undefined);
    // Half a repair is better than none: nothing is taken back.
    const keep = (): void => {};
    const repaired = look(tunnel, signal).andThen((seen) =>
      // Gone or taken down: that is for `up`, once somebody has decided that it should be up.
      seen.found?.up === true ? settle(tunnel, seen, { hold, route }, keep, signal) : okAsync([]),
    );
    return orNoIpv6(runner, tunnel.iface, signal, repaired);
  };

  const down = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      carrying.rightProcess.delete(tunnel.iface);
      const found = yield* readInterface(runner, tunnel.iface, signal);
      // The interface first: until the rules go too, the guard stops what would leave by another tunnel.
      if (found?.kind !== 'sit') yield* endCarriers(deps, tunnel.iface, signal);
      else if (isMarked(found)) yield* removeLink(runner, tunnel.iface, signal);
      else yield* takeBackAddresses(runner, found, signal);
      return policy.remove(tunnel.iface, signal);
    });

  return { type: 'he_6in4', up, down, inspect, repair };
}

/** Where nothing is known of the underlay, what the interface has is as good a guess as any. */
function mtuFor(tunnel: HeTunnel, underlay: Underlay, found: Interface | null): number {
  if (tunnel.mtu !== null) return tunnel.mtu;
  if (underlay.mtu === null) return Math.min(MTU, found?.mtu ?? MTU);
  return Math.max(LEAST_MTU, Math.min(MTU, underlay.mtu - IPV4_HEADER));
}

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

/** Of another kind of interface there is nothing to say: there is no tunnel. */
function readingOf(found: Interface | null, tunnel: HeTunnel): LinkReading {
  if (found === null || (found.kind !== 'sit' && found.kind !== 'tun')) return ABSENT;
  const carrier = found.kind === 'tun' ? 'userspace 6in4 (socat)' : 'kernel sit';
  return toReading(found, sourceAddress(found, tunnel.address), null, carrier);
}
