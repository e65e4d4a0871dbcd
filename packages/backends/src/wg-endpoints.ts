import { isIPv4, isIPv6 } from 'node:net';
import type { DriverError, Millis } from '@hurricane/core';
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow';
import type { CommandRunner } from './command.js';
import type { WgLine } from './wg-conf.js';
import type { WgDump } from './wg-dump.js';

/** How long finding one name's address may take. All of a file are looked up at once. */
const LOOKUP_LIMIT: Millis = 8_000;

/** Peers of one file that may have names: far beyond any provider's. */
const NAMES_AT_MOST = 64;

/**
 * What each endpoint that the file gives by name comes to, `address:port`. `path`: of the file, for people.
 *
 * IPv4 only: an IPv6 one would be reached through the gateway's own default route, so that the tunnel
 * would run inside another, or inside itself. `wg` would take either address of a name.
 */
export function resolveEndpoints(
  runner: CommandRunner,
  { lines, path }: { readonly lines: readonly WgLine[]; readonly path: string },
  signal: AbortSignal,
): ResultAsync<ReadonlyMap<string, string>, DriverError> {
  const given = lines.filter((line) => line.section === 'peer' && line.key === 'endpoint').map(({ value }) => value);
  const wanted = [...new Set(given)].map((value) => ({ value, ...partsOf(value) }));
  const six = wanted.find(({ host }) => isIPv6(host));
  if (six !== undefined) return errAsync(insideTunnels(six.value, path));
  const names = wanted.filter(({ host }) => host !== '' && !isIPv4(host));
  if (names.length > NAMES_AT_MOST) {
    return errAsync(wrong(`of ${path} has more than ${NAMES_AT_MOST} names`));
  }
  const found = names.map(({ value, host, port }) =>
    lookUp(runner, host, path, signal).map((address) => [value, `${address}:${port}`] as const),
  );
  return ResultAsync.combine(found).map((pairs) => new Map(pairs));
}

/** The same for an interface that somebody else brought up. */
export function checkEndpoints(dump: WgDump | null, iface: string): Result<void, DriverError> {
  const six = dump?.peers.find(({ endpoint }) => endpoint?.startsWith('[') === true);
  return six?.endpoint == null ? ok() : err(insideTunnels(six.endpoint, `interface "${iface}"`));
}

const wrong = (problem: string): DriverError => ({ kind: 'misconfigured', setting: 'Endpoint', problem });

const insideTunnels = (endpoint: string, where: string): DriverError =>
  wrong(
    `of ${where} is ${endpoint}: its packets would enter the tunnels they carry, so give the server's IPv4 address`,
  );

function partsOf(value: string): { readonly host: string; readonly port: string } {
  const found = /^(?:\[([^\]]*)\]|([^:\s]+)):(\S+)$/.exec(value);
  return { host: found?.[1] ?? found?.[2] ?? '', port: found?.[3] ?? '' };
}

/** By the host's own ways, `/etc/hosts` included; a process, because it can be called off. */
function lookUp(
  runner: CommandRunner,
  name: string,
  path: string,
  signal: AbortSignal,
): ResultAsync<string, DriverError> {
  const unknown = wrong(`of ${path} is "${name}", for which no IPv4 address can be found`);
  if (!/^\w[\w.-]{0,252}$/.test(name)) return errAsync(unknown);
  return runner.run(['getent', 'ahostsv4', name], signal, { deadline: LOOKUP_LIMIT }).andThen(({ stdout }) => {
    const address = /^\S+/.exec(stdout)?.[0] ?? '';
    return isIPv4(address) ? ok(address) : err<string, DriverError>(unknown);
  });
}
