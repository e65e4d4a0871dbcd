import type { ProbeError } from '@hurricane/core';

/** How a ping process ended. */
export type PingEnd =
  | { readonly kind: 'exited'; readonly exitCode: number | null }
  /** It never ran; `code` is the system's name for why, such as `ENOENT`. */
  | { readonly kind: 'not_started'; readonly code: string };

/** What to make of a ping that ended by itself. */
export type PingVerdict =
  /** The network's state, not ours: counts as a probe that was refused, and is worth another try. */
  { readonly kind: 'unreachable'; readonly reason: string } | { readonly kind: 'broken'; readonly error: ProbeError };

/** There is no iputils ping on this host. */
export const NO_PING: ProbeError = { kind: 'missing_tool', tool: 'ping', install: 'apt install iputils-ping' };

// ping ends at once when looking up the route to the target fails: ENETUNREACH and EHOSTUNREACH for no
// route, EACCES for a `prohibit` route, EINVAL for a `blackhole` one (ip-route(8)).
const NO_ROUTE = /^\S+: connect: (Network is unreachable|No route to host|Permission denied|Invalid argument)$/m;
// connect(2) says EACCES to a `prohibit` route and to a broadcast address alike, and ping -4 guesses the latter.
const PROHIBITED = /^\S+: Do you want to ping broadcast\?/m;
const NO_SOURCE = /^\S+: (?:bind icmp socket: |bind: )?Cannot assign requested address|^\S+: unknown iface/m;
const NOT_PERMITTED = /^\S+: (?:socket|socktype)\b.*(?:Operation not permitted|Permission denied)/m;

/** Judges an end by what ping wrote to its standard error (in the C locale). */
export function judgePingEnd(
  end: PingEnd,
  stderr: string,
  ping: { readonly argv: readonly string[]; readonly iface: string },
): PingVerdict {
  if (end.kind === 'not_started') return { kind: 'broken', error: notStarted(end.code, ping.argv) };
  const noRoute = NO_ROUTE.exec(stderr);
  if (noRoute !== null) return { kind: 'unreachable', reason: noRoute[1] ?? '' };
  if (PROHIBITED.test(stderr)) return { kind: 'unreachable', reason: 'Prohibited, or a broadcast address' };
  if (NO_SOURCE.test(stderr)) return { kind: 'broken', error: { kind: 'interface_missing', iface: ping.iface } };
  if (NOT_PERMITTED.test(stderr)) return { kind: 'broken', error: noIcmp(ping.argv) };
  return { kind: 'broken', error: { kind: 'command_failed', argv: ping.argv, exitCode: end.exitCode, stderr } };
}

const noIcmp = (argv: readonly string[]): ProbeError => ({
  kind: 'not_permitted',
  operation: `send ${argv.includes('-4') ? 'ICMP' : 'ICMPv6'} echo requests`,
});

function notStarted(code: string, argv: readonly string[]): ProbeError {
  if (code === 'ENOENT') return NO_PING;
  // EPERM: ping's file capabilities are not in our bounding set (execve(2)).
  if (code === 'EACCES' || code === 'EPERM') return { kind: 'not_permitted', operation: 'run ping' };
  return { kind: 'command_failed', argv, exitCode: null, stderr: `cannot start: ${code}` };
}
