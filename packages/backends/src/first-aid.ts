import type { DriverError } from '@hurricane/core';
import { err, ok, okAsync, type Result, type ResultAsync } from 'neverthrow';
import type { HostLooks } from './host-looks.js';
import type { Interface } from './interface.js';
import { isMarked } from './ownership.js';
import type { PolicyTarget } from './policy-changes.js';
import type { PolicyRouting } from './policy-routing.js';

/** What first aid needs to know. */
export interface FirstAidRequest {
  readonly iface: string;
  /** What the rules are for, by what the interface has; null when that cannot be told. */
  targetOf(found: Interface): PolicyTarget | null;
}

/**
 * The first step of a repair: what can be done for an interface of ours that is up before any program has
 * been started, which takes most of the time. It may miss something and may not succeed: all of it is
 * looked at again. Resolves to what it should have put back, a phrase each.
 */
export function firstAid(
  { looks, policy }: { readonly looks: HostLooks; readonly policy: PolicyRouting },
  { iface, targetOf }: FirstAidRequest,
  signal: AbortSignal,
): ResultAsync<readonly string[], DriverError> {
  return looks
    .glance(signal)
    .andThen((seen) => {
      const found = seen?.interfaces.get(iface);
      const target = found?.up === true && isMarked(found) ? targetOf(found) : null;
      return seen === null || target === null ? okAsync([]) : policy.hasten(target, seen, signal);
    })
    .orElse((error): Result<readonly string[], DriverError> => (error.kind === 'aborted' ? err(error) : ok([])));
}
