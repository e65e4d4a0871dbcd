import type { DriverError } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { CommandRunner } from './command.js';

/** Where the kernel is told not to use IPv6 (ip-sysctl.rst), the widest first. */
type Switch = 'all' | 'default' | 'iface';

/**
 * Why IPv6 cannot be used on an interface: the kernel has none, or a setting forbids it. Null when
 * neither is so. An interface that is not there would get what `default` says.
 */
export function whyNoIpv6(
  runner: CommandRunner,
  iface: string,
  signal: AbortSignal,
): ResultAsync<DriverError | null, DriverError> {
  return new ResultAsync(look(runner, iface, signal));
}

/** Puts the reason in the place of an error that has its cause there: `ip` only says "Permission denied". */
export function orNoIpv6<T>(
  runner: CommandRunner,
  iface: string,
  signal: AbortSignal,
  result: ResultAsync<T, DriverError>,
): ResultAsync<T, DriverError> {
  return result.orElse((error) => {
    if (!mayBeBecause(error) || signal.aborted) return new ResultAsync(Promise.resolve(err(error)));
    return whyNoIpv6(runner, iface, signal)
      .orElse(() => ok(null))
      .andThen((why) => err<T, DriverError>(why ?? error));
  });
}

/** What refusals look like, and an interface without a usable address. */
const mayBeBecause = (error: DriverError): boolean =>
  error.kind === 'command_failed' ||
  error.kind === 'not_permitted' ||
  (error.kind === 'misconfigured' && error.setting === 'iface');

async function look(
  runner: CommandRunner,
  iface: string,
  signal: AbortSignal,
): Promise<Result<DriverError | null, DriverError>> {
  const values = new Map<Switch, string | null>();
  for (const each of ['all', 'default', 'iface'] as const) {
    const path = `/proc/sys/net/ipv6/conf/${each === 'iface' ? iface : each}/disable_ipv6`;
    const read = await runner.run(['cat', path], signal);
    if (read.isErr()) return err(read.error);
    values.set(each, read.value.exitCode === 0 ? read.value.stdout.trim() : null);
  }
  const isOff = (each: Switch): boolean => values.get(each) === '1';
  if (values.get('all') === null && values.get('default') === null) {
    return ok({ kind: 'unsupported', what: 'this kernel has no IPv6, or was started with "ipv6.disable=1"' });
  }
  if (values.get('iface') === null ? !isOff('default') : !isOff('iface')) return ok(null);
  const at = isOff('all') ? 'all' : isOff('default') ? 'default' : iface;
  const setting = `net.ipv6.conf.${at}.disable_ipv6`;
  return ok({ kind: 'unsupported', what: `IPv6 is switched off on "${iface}": set ${setting} to 0 (sysctl)` });
}
