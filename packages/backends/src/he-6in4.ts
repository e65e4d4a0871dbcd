import { ABSENT, type BackendDriver, type ConfigOf, type DriverError, type LinkReading } from '@hurricane/core';
import { err, ok, okAsync, Result, ResultAsync, safeTry } from 'neverthrow';
import { carry } from './carry-6in4.js';
import { dress, lendAddress, takeBackAddresses } from './dress.js';
import { firstAid } from './first-aid.js';
import { type HostLooks, hostLooks } from './host-looks.js';
import { type Interface, readInterface, sourceAddress, toReading } from './interface.js';
import { orNoIpv6 } from './ipv6-switch.js';
import { isMarked } from './ownership.js';
import type { PolicyTarget } from './policy-changes.js';
import type { PolicyRouting } from './policy-routing.js';
import { sameAddress } from './prefix.js';
import { removeLink, removeRenamed } from './sit.js';
import { readUnderlay, type Underlay } from './underlay.js';
import { type Undo, undoable } from './undo.js';
import { endCarriers, type UserspaceDeps } from './userspace-6in4.js';

export interface He6in4Deps extends UserspaceDeps {
  readonly policy: PolicyRouting;
  /** Shared by all drivers of a host. Default: of this one alone. */
  readonly looks?: HostLooks;
}

type HeTunnel = ConfigOf<'he_6in4'>;

const NOTHING: Result<readonly string[], DriverError> = ok([]);

type Eye = HostLooks['interface'];

/** What is done to the routing before the interface has its address. */
type Hold = (target: PolicyTarget) => ResultAsync<void, DriverError>;

/** HE's default, and what an Ethernet underlay leaves after the outer IPv4 header. */
const MTU = 1_480;
const IPV4_HEADER = 20;
/** RFC 8200 section 5: every link must carry this much. */
const LEAST_MTU = 1_280;

/** What a tunnel is to be, and what there is. */
interface Sight {
  readonly endpoint: string;
  readonly address: string;
  readonly found: Interface | null;
  readonly underlay: Underlay;
}

/** 6in4 tunnels (RFC 4213) such as Hurricane Electric's: in the kernel where it can, else in a process. */
export function he6in4(deps: He6in4Deps): BackendDriver<'he_6in4'> {
  const { runner, policy, looks = hostLooks(deps.runner) } = deps;
  const carrying = { ...deps, rightProcess: new Map<string, string>(), lastSit: new Map<string, number>() };
  const alone: Eye = (name, signal) => readInterface(runner, name, signal);

  const inspect = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    readInterface(runner, tunnel.iface, signal).map((found) => readingOf(found, tunnel));

  /** Makes the interface what it should be, each thing only where it is not; resolves to what was not. */
  const furnish = (
    tunnel: HeTunnel,
    { endpoint, address, found, underlay }: Sight,
    hold: Hold,
    note: (undo: Undo) => void,
    signal: AbortSignal,
  ): ResultAsync<readonly string[], DriverError> =>
    safeTry(async function* () {
      // While the host has no way to the endpoint, an address that was right before is the best guess.
      const before = found?.ends?.remote === endpoint && found.ends.local !== 'any' ? found.ends.local : null;
      const ends = { iface: tunnel.iface, remote: endpoint, local: tunnel.local ?? underlay.source ?? before };
      const carried = yield* carry(carrying, { tunnel, found, ends }, note, signal);
      const isThere = carried.link.addresses.some((each) => sameAddress(each.address, address));
      if (!isThere) yield* hold(targetOf(tunnel, address));
      const want = { address, prefixLength: tunnel.prefixLength, mtu: mtuFor(tunnel, underlay, found) };
      const dressed = yield* (carried.isOurs ? dress : lendAddress)(runner, carried.link, want, note, signal);
      return ok([...carried.restored, ...dressed]);
    });

  const up = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> => {
    const raised = undoable((note) => {
      const hold: Hold = (target) =>
        policy.hold(target, signal).map((isNew) => {
          if (isNew) note(() => policy.remove(target.iface, signal));
        });
      return required(tunnel)
        .asyncAndThen(({ endpoint, address }) =>
          ResultAsync.combine([
            readInterface(runner, tunnel.iface, signal),
            readUnderlay(runner, endpoint, alone, signal),
          ])
            .andThen(([found, underlay]) => furnish(tunnel, { endpoint, address, found, underlay }, hold, note, signal))
            .andThen(() => policy.install(targetOf(tunnel, address), signal)),
        )
        .andThen(() => inspect(tunnel, signal));
    });
    return orNoIpv6(runner, tunnel.iface, signal, raised);
  };

  const repair = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<readonly string[], DriverError> => {
    // Half a repair is better than none: nothing is taken back.
    const keep = (): void => {};
    // Rules and routes have just been put back, or are in a moment.
    const hold: Hold = () => okAsync(undefined);
    const repaired = required(tunnel).asyncAndThen(({ endpoint, address }) =>
      safeTry(async function* () {
        const target = targetOf(tunnel, address);
        const aided = yield* firstAid({ looks, policy }, { iface: tunnel.iface, targetOf: () => target }, signal);
        const found = yield* looks.interface(tunnel.iface, signal);
        // Gone or taken down: that is for `up`, once somebody has decided that it should be up.
        if (found?.up !== true) return ok(aided);
        // Rules and routes first, because packets go astray without them; through an interface of ours only.
        const routed = isMarked(found) ? await policy.repair(target, signal) : null;
        const underlay = yield* readUnderlay(runner, endpoint, looks.interface, signal);
        const furnished = yield* furnish(tunnel, { endpoint, address, found, underlay }, hold, keep, signal);
        // An interface that was made anew has taken its routes along.
        const isRouted = routed !== null && furnished.length === 0;
        const again = isRouted ? null : await policy.repair(target, signal);
        const phrases = yield* Result.combine([routed ?? NOTHING, again ?? NOTHING]);
        return ok([...new Set([...furnished, ...aided, ...phrases.flat()])]);
      }),
    );
    return orNoIpv6(runner, tunnel.iface, signal, repaired);
  };

  const down = (tunnel: HeTunnel, signal: AbortSignal): ResultAsync<void, DriverError> =>
    safeTry(async function* () {
      carrying.rightProcess.delete(tunnel.iface);
      const found = yield* readInterface(runner, tunnel.iface, signal);
      // The interface first: until the rules go too, the guard stops what would leave by another tunnel.
      if (found === null) yield* removeRenamed(runner, carrying.lastSit.get(tunnel.iface) ?? null, signal);
      carrying.lastSit.delete(tunnel.iface);
      if (found?.kind !== 'sit') yield* endCarriers(deps, tunnel.iface, signal);
      else if (isMarked(found)) yield* removeLink(runner, tunnel.iface, signal);
      else yield* takeBackAddresses(runner, found, signal);
      return policy.remove(tunnel.iface, signal);
    });

  return { type: 'he_6in4', up, down, inspect, repair };
}

const targetOf = ({ iface, prefixLength }: HeTunnel, address: string): PolicyTarget => ({
  ...{ iface, address, prefixLength },
  gateway: null,
});

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
