import { lookup } from 'node:dns/promises';
import { isIPv4, isIPv6 } from 'node:net';
import type { DriverError, Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { WgLine } from './wg-conf.js';
import type { WgDump } from './wg-dump.js';

/** Finds the IPv4 address of a name. Rejects when there is none. */
export type ResolveIpv4 = (name: string) => Promise<string>;

/** The system's way, `/etc/hosts` included. */
export const systemResolve: ResolveIpv4 = async (name) => (await lookup(name, { family: 4 })).address;

/** How long all names of a file may take together. */
const RESOLVE_LIMIT: Millis = 8_000;

/** Peers of one file that may have names: far beyond any provider's. */
const NAMES_AT_MOST = 64;

export interface EndpointsAsked {
  readonly lines: readonly WgLine[];
  /** Of the file, for people. */
  readonly path: string;
  readonly resolve: ResolveIpv4;
}

/**
 * What each endpoint that the file names comes to, `address:port`.
 *
 * IPv4 only: an IPv6 one would be reached through the gateway's own default route, so that the tunnel
 * would run inside another, or inside itself. `wg` would take either address of a name.
 */
export function resolveEndpoints(
  { lines, path, resolve }: EndpointsAsked,
  signal: AbortSignal,
): ResultAsync<ReadonlyMap<string, string>, DriverError> {
  const given = lines.filter((line) => line.section === 'peer' && line.key === 'endpoint').map(({ value }) => value);
  const wanted = [...new Set(given)].map((value) => ({ value, ...partsOf(value) }));
  const six = wanted.find(({ host }) => isIPv6(host));
  if (six !== undefined) return new ResultAsync(Promise.resolve(err(insideTunnels(six.value, path))));
  const names = wanted.filter(({ host }) => host !== '' && !isIPv4(host));
  if (names.length > NAMES_AT_MOST) {
    const problem = `names more than ${NAMES_AT_MOST} hosts in ${path}`;
    return new ResultAsync(Promise.resolve(err({ kind: 'misconfigured', setting: 'Endpoint', problem })));
  }
  return new ResultAsync(ask(names, path, resolve, signal));
}

/** The same for an interface that somebody else brought up. */
export function checkEndpoints(dump: WgDump | null, iface: string): Result<void, DriverError> {
  const six = dump?.peers.find(({ endpoint }) => endpoint?.startsWith('[') === true);
  return six?.endpoint == null ? ok() : err(insideTunnels(six.endpoint, `interface "${iface}"`));
}

const insideTunnels = (endpoint: string, where: string): DriverError => ({
  kind: 'misconfigured',
  setting: 'Endpoint',
  problem:
    `of ${where} is ${endpoint}: its packets would enter the tunnels they carry, ` +
    `so give the server's IPv4 address`,
});

function partsOf(value: string): { readonly host: string; readonly port: string } {
  const found = /^(?:\[([^\]]*)\]|([^:\s]+)):(\S+)$/.exec(value);
  return { host: found?.[1] ?? found?.[2] ?? '', port: found?.[3] ?? '' };
}

type Asked = { readonly value: string; readonly host: string; readonly port: string };

async function ask(
  names: readonly Asked[],
  path: string,
  resolve: ResolveIpv4,
  signal: AbortSignal,
): Promise<Result<ReadonlyMap<string, string>, DriverError>> {
  if (signal.aborted) return err({ kind: 'aborted' });
  if (names.length === 0) return ok(new Map());
  const unknown = (name: string): DriverError => ({
    kind: 'misconfigured',
    setting: 'Endpoint',
    problem: `of ${path} is "${name}", for which no IPv4 address can be found`,
  });
  const each = names.map(async ({ value, host, port }): Promise<Result<readonly [string, string], DriverError>> => {
    const address = await resolve(host).catch(() => null);
    return address === null || !isIPv4(address) ? err(unknown(host)) : ok([value, `${address}:${port}`]);
  });
  const { over, done } = ending(signal);
  try {
    const answers = await Promise.race([Promise.all(each), over]);
    if (!Array.isArray(answers)) return err(answers);
    const failed = answers.find((answer) => answer.isErr());
    if (failed?.isErr() === true) return err(failed.error);
    return ok(new Map(answers.flatMap((answer) => (answer.isOk() ? [answer.value] : []))));
  } finally {
    done();
  }
}

/** Resolves when there is no more time: to why. */
function ending(signal: AbortSignal): { readonly over: Promise<DriverError>; readonly done: () => void } {
  let done = (): void => undefined;
  const over = new Promise<DriverError>((resolve) => {
    const onAbort = (): void => resolve({ kind: 'aborted' });
    const late = setTimeout(() => resolve({ kind: 'timed_out', after: RESOLVE_LIMIT }), RESOLVE_LIMIT);
    signal.addEventListener('abort', onAbort, { once: true });
    done = () => {
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
    };
  });
  return { over, done: () => done() };
}
