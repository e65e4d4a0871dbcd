import type { DriverError } from '@hurricane/core';
import { ok, Result, type ResultAsync, safeTry } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { firstAid } from './first-aid.js';
import type { HostLooks } from './host-looks.js';
import type { Interface } from './interface.js';
import { orNoIpv6 } from './ipv6-switch.js';
import type { PolicyTarget } from './policy-changes.js';
import type { PolicyRouting } from './policy-routing.js';
import { hasAddress, putBackAddresses, putBackNetworks, type WgBelongings } from './wg-belongings.js';
import type { MadeFrom } from './wg-made.js';
import { wgSource } from './wg-reading.js';
import { isWireguard } from './wg-sight.js';

export interface WgRepairParts {
  readonly runner: CommandRunner;
  readonly policy: PolicyRouting;
  readonly looks: HostLooks;
  readonly made: MadeFrom;
}

export interface WgRepairRequest {
  readonly iface: string;
  /** The address the tunnel is to use, where its interface has it. */
  readonly preferred: string | null;
}

type Phrases = ResultAsync<readonly string[], DriverError>;

const NOTHING: Result<readonly string[], DriverError> = ok([]);

/**
 * Puts back what others took of a WireGuard tunnel that is up: rules, its table, and of an interface of
 * ours also the addresses of its file and the routes to the file's networks. Keys, peers and the interface
 * itself are left alone. What fails keeps nothing else from being put back.
 */
export function repairWireguard(parts: WgRepairParts, request: WgRepairRequest, signal: AbortSignal): Phrases {
  const { runner, policy, looks, made } = parts;
  const { iface } = request;
  const repaired = safeTry(async function* () {
    const aided = yield* firstAid(parts, { iface, targetOf: (seen) => wholeTarget(seen, request, made) }, signal);
    const found = yield* looks.interface(iface, signal);
    // Gone, taken down or another's: that is for `up`, once somebody has decided that it should be up.
    if (found?.up !== true || !(yield* isWireguard(runner, found, signal))) return ok(aided);
    const given = yield* made.belongings(found, signal);
    const addressed = given === null ? NOTHING : await putBackAddresses(runner, found, given, signal);
    const isSame = addressed.isOk() && addressed.value.length === 0;
    // Rules are made for an address that the interface has, not for one that it should have.
    const now = isSame ? found : yield* looks.interface(iface, signal);
    const target = now === null ? null : targetOf(now, request, given);
    const routed = target === null ? NOTHING : await policy.repair(target, signal);
    const networked = given === null ? NOTHING : await putBackNetworks(runner, iface, given, signal);
    const all = Result.combine([addressed, ok(aided), routed, networked]);
    return all.map((phrases) => [...new Set(phrases.flat())]);
  });
  return orNoIpv6(runner, iface, signal, repaired);
}

/** Null while an address is missing: rules for another one would only be in the way when it is back. */
function wholeTarget(found: Interface, request: WgRepairRequest, made: MadeFrom): PolicyTarget | null {
  const given = made.remembered(found);
  const isWhole = given?.addresses.every((each) => each.family === 'ipv4' || hasAddress(found, each)) === true;
  return isWhole ? targetOf(found, request, given) : null;
}

/** Null when the interface has no address to be used. */
function targetOf(
  found: Interface,
  { iface, preferred }: WgRepairRequest,
  given: WgBelongings | null,
): PolicyTarget | null {
  const source = wgSource(found, { preferred, given });
  return source === null ? null : { iface, address: source.address, prefixLength: source.length, gateway: null };
}
