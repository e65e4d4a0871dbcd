import type { BackendDriver, ConfigOf, DriverError, LinkReading } from '@hurricane/core';
import { ABSENT } from '@hurricane/core';
import { err, errAsync, ok, okAsync, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { type HostLooks, hostLooks } from './host-looks.js';
import { readInterface, sourceAddress, toReading } from './interface.js';
import { isOurs, type Route, readDefaults } from './ip.js';
import { orNoIpv6 } from './ipv6-switch.js';
import type { PolicyRouting } from './policy-routing.js';

export interface ExternalDeps {
  readonly runner: CommandRunner;
  readonly policy: PolicyRouting;
  /** Shared by all drivers of a host. Default: of this one alone. */
  readonly looks?: HostLooks;
}

type ExternalTunnel = ConfigOf<'external'>;

type Eyes = Pick<HostLooks, 'interface' | 'defaults'>;

/**
 * Interfaces that somebody else makes, keeps up and numbers. Only looked at: what this driver adds
 * and removes is the routing table and the rules for the address it finds there.
 */
export function external(deps: ExternalDeps): BackendDriver<'external'> {
  const { runner, policy, looks = hostLooks(deps.runner) } = deps;
  const alone: Eyes = {
    interface: (name, signal) => readInterface(runner, name, signal),
    defaults: (signal) => readDefaults(runner, signal),
  };

  const lookWith = (eyes: Eyes, tunnel: ExternalTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    safeTry(async function* () {
      const found = yield* eyes.interface(tunnel.iface, signal);
      if (found === null) return ok(ABSENT);
      const gateway = tunnel.gateway ?? (yield* eyes.defaults(signal).map((routes) => gatewayOn(routes, tunnel.iface)));
      return ok(toReading(found, sourceAddress(found, tunnel.address), gateway, 'existing interface'));
    });

  const inspect = (tunnel: ExternalTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    lookWith(alone, tunnel, signal);

  const up = (tunnel: ExternalTunnel, signal: AbortSignal): ResultAsync<LinkReading, DriverError> =>
    safeTry(async function* () {
      const reading = yield* inspect(tunnel, signal);
      if (reading.link === 'absent') {
        return err<LinkReading, DriverError>({ kind: 'interface_missing', iface: tunnel.iface });
      }
      if (reading.link === 'down') return err(isDown(tunnel));
      yield* orNoIpv6(runner, tunnel.iface, signal, installFor(policy, tunnel.iface, reading, signal));
      return ok(reading);
    });

  const repair = (tunnel: ExternalTunnel, signal: AbortSignal): ResultAsync<readonly string[], DriverError> =>
    lookWith(looks, tunnel, signal).andThen((reading) => repairFor(policy, tunnel.iface, reading, signal));

  const down = (tunnel: ExternalTunnel, signal: AbortSignal): ResultAsync<void, DriverError> =>
    policy.remove(tunnel.iface, signal);

  return { type: 'external', up, down, inspect, repair };
}

/** Puts back what is missing of the routes and rules for the address found on an interface, if that is up. */
export function repairFor(
  policy: PolicyRouting,
  iface: string,
  { link, address, prefixLength, gateway }: LinkReading,
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  if (link !== 'up' || address === null || prefixLength === null) return okAsync([]);
  return policy.repair({ iface, address, prefixLength, gateway }, signal);
}

/** Gives the address found on an interface its routes and rules. */
export function installFor(
  policy: PolicyRouting,
  iface: string,
  reading: LinkReading,
  signal: AbortSignal,
): ResultAsync<void, DriverError> {
  const { address, prefixLength, gateway } = reading;
  if (address === null || prefixLength === null) return errAsync(noAddress(iface));
  return policy.install({ iface, address, prefixLength, gateway }, signal);
}

const noAddress = (iface: string): DriverError => ({
  kind: 'misconfigured',
  setting: 'iface',
  problem: `names "${iface}", which has no usable global IPv6 address`,
});

const isDown = (tunnel: ExternalTunnel): DriverError => ({
  kind: 'misconfigured',
  setting: 'iface',
  problem: `names "${tunnel.iface}", which is down: whoever made it has to bring it up`,
});

/** The next hop that somebody else's default route on `iface` uses; null when there is none. */
function gatewayOn(routes: readonly Route[], iface: string): string | null {
  const theirs = routes.filter((route) => !isOurs(route) && route.iface === iface && route.gateway !== null);
  return theirs.sort((a, b) => a.metric - b.metric)[0]?.gateway ?? null;
}
