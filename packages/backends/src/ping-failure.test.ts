import { describe, expect, it } from 'vitest';
import { judgePingEnd, type PingEnd, type PingVerdict } from './ping-failure.js';

const ARGV = ['ping', '-6', '2001:db8::1'];
const ARGV4 = ['ping', '-4', '192.0.2.1'];
const exited = (exitCode: number | null): PingEnd => ({ kind: 'exited', exitCode });
const notStarted = (code: string): PingEnd => ({ kind: 'not_started', code });
const unreachable = (reason: string): PingVerdict => ({ kind: 'unreachable', reason });
const failed = (exitCode: number | null, stderr: string): PingVerdict => ({
  kind: 'broken',
  error: { kind: 'command_failed', argv: ARGV, exitCode, stderr },
});
const interfaceMissing: PingVerdict = { kind: 'broken', error: { kind: 'interface_missing', iface: 'he0' } };
const notPermitted = (operation: string): PingVerdict => ({
  kind: 'broken',
  error: { kind: 'not_permitted', operation },
});

// What iputils 20221126 (Debian 12) says; its messages name it as it was called.
const WITHOUT_RIGHTS = `ping: socktype: SOCK_RAW
ping: socket: Operation not permitted
ping: => missing cap_net_raw+p capability or setuid?
`;

const CASES: readonly (readonly [string, PingEnd, string, PingVerdict])[] = [
  [
    'ping is not installed',
    notStarted('ENOENT'),
    '',
    { kind: 'broken', error: { kind: 'missing_tool', tool: 'ping', install: 'apt install iputils-ping' } },
  ],
  ['ping may not be run', notStarted('EPERM'), '', notPermitted('run ping')],
  ['ping is not executable', notStarted('EACCES'), '', notPermitted('run ping')],
  ['the system is out of processes', notStarted('EAGAIN'), '', failed(null, 'cannot start: EAGAIN')],
  ['it lacks the right to send', exited(2), WITHOUT_RIGHTS, notPermitted('send ICMPv6 echo requests')],
  ['the source is gone', exited(2), 'ping: bind icmp socket: Cannot assign requested address\n', interfaceMissing],
  ['the IPv4 source is gone', exited(2), 'ping: bind: Cannot assign requested address\n', interfaceMissing],
  [
    'an IPv4 route says prohibit',
    exited(2),
    'ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules\n',
    unreachable('Prohibited, or a broadcast address'),
  ],
  ['the interface is gone', exited(2), 'ping: unknown iface: he0\n', interfaceMissing],
  ['there is no route', exited(2), 'ping: connect: Network is unreachable\n', unreachable('Network is unreachable')],
  ['the route says unreachable', exited(2), '/bin/ping: connect: No route to host\n', unreachable('No route to host')],
  ['the route says prohibit', exited(2), 'ping: connect: Permission denied\n', unreachable('Permission denied')],
  ['the route says blackhole', exited(2), 'ping: connect: Invalid argument\n', unreachable('Invalid argument')],
  [
    'it does not know an option',
    exited(2),
    "ping: invalid option -- 'O'\n",
    failed(2, "ping: invalid option -- 'O'\n"),
  ],
  ['somebody ended it', exited(null), '', failed(null, '')],
  ['it was asked to end', exited(0), '', failed(0, '')],
];

describe('the end of a ping', () => {
  it.each(CASES)('tells when %s', (_when, end, stderr, verdict) => {
    expect(judgePingEnd(end, stderr, { argv: ARGV, iface: 'he0' })).toEqual(verdict);
  });

  it('names the kind of packets that it may not send', () => {
    const verdict = judgePingEnd(exited(2), WITHOUT_RIGHTS, { argv: ARGV4, iface: 'he0' });

    expect(verdict).toEqual(notPermitted('send ICMP echo requests'));
  });
});
