import { describe, expect, it } from 'vitest';
import { LineCutter, type PingLine, parsePingLine } from './ping-output.js';

// Output of iputils 20221126 (Debian 12), addresses aside.
const LINES: readonly (readonly [string, PingLine])[] = [
  ['64 bytes from ::1: icmp_seq=1 ttl=64 time=0.045 ms', { kind: 'reply', seq: 1, rtt: 0.045 }],
  ['64 bytes from 2001:db8::1: icmp_seq=65535 ttl=58 time=1234 ms', { kind: 'reply', seq: 65_535, rtt: 1_234 }],
  ['64 bytes from dns.example (2001:db8::1): icmp_seq=7 ttl=58 time=12.3 ms', { kind: 'reply', seq: 7, rtt: 12.3 }],
  ['[1700000000.123456] 64 bytes from ::1: icmp_seq=2 ttl=64 time=0.5 ms', { kind: 'reply', seq: 2, rtt: 0.5 }],
  ['64 bytes from ::1: icmp_seq=2 time=0.5 ms', { kind: 'reply', seq: 2, rtt: 0.5 }],
  ['64 bytes from ::1: icmp_seq=2 ttl=64 time<1 ms', { kind: 'reply', seq: 2, rtt: 1 }],
  ['64 bytes from ::1: icmp_seq=0 ttl=64 time=0.5 ms\r', { kind: 'reply', seq: 0, rtt: 0.5 }],
  ['64 bytes from 2001:db8::9: icmp_seq=2 ttl=64 time=3 ms (DIFFERENT ADDRESS!)', { kind: 'reply', seq: 2, rtt: 3 }],
  ['no answer yet for icmp_seq=4', { kind: 'unanswered', seq: 4 }],
  ['[1700000000.123456] no answer yet for icmp_seq=4', { kind: 'unanswered', seq: 4 }],
  [
    'From 2001:db8::ff icmp_seq=3 Destination unreachable: No route',
    { kind: 'unreachable', seq: 3, reason: 'Destination unreachable: No route' },
  ],
  [
    'From gw.example (2001:db8::ff) icmp_seq=3 Destination unreachable: Administratively prohibited',
    { kind: 'unreachable', seq: 3, reason: 'Destination unreachable: Administratively prohibited' },
  ],
  [
    'From ::1 icmp_seq=1 Destination unreachable: Address unreachable',
    { kind: 'unreachable', seq: 1, reason: 'Destination unreachable: Address unreachable' },
  ],
  [
    'From 2001:db8::ff icmp_seq=9 Time exceeded: Hop limit',
    { kind: 'unreachable', seq: 9, reason: 'Time exceeded: Hop limit' },
  ],
  [
    'From 2001:db8::ff: icmp_seq=9 Packet too big: mtu=1280',
    { kind: 'unreachable', seq: 9, reason: 'Packet too big: mtu=1280' },
  ],
  [
    'From 192.0.2.2 icmp_seq=1 Frag needed and DF set (mtu = 1400)',
    { kind: 'unreachable', seq: 1, reason: 'Frag needed and DF set (mtu = 1400)' },
  ],
  ['From 192.0.2.2 icmp_seq=1 Time to live exceeded', { kind: 'unreachable', seq: 1, reason: 'Time to live exceeded' }],
  [
    'From 192.0.2.1 icmp_seq=1 Destination Host Unreachable',
    { kind: 'unreachable', seq: 1, reason: 'Destination Host Unreachable' },
  ],
  ['From 192.0.2.2 icmp_seq=2 Packet filtered', { kind: 'unreachable', seq: 2, reason: 'Packet filtered' }],
  ['24 bytes from 192.0.2.2: icmp_seq=1 ttl=63 time=0.021 ms', { kind: 'reply', seq: 1, rtt: 0.021 }],
  ['ping: local error: message too long, mtu: 1400', { kind: 'send_failed', reason: 'message too long, mtu: 1400' }],
  ['ping: local error: message too long, mtu=1400', { kind: 'send_failed', reason: 'message too long, mtu=1400' }],
  ['ping: local error: No route to host', { kind: 'send_failed', reason: 'No route to host' }],
  ['ping: sendmsg: Network is unreachable', { kind: 'send_failed', reason: 'Network is unreachable' }],
  ['/usr/bin/ping: sendmsg: Operation not permitted', { kind: 'send_failed', reason: 'Operation not permitted' }],
];

const NOISE: readonly string[] = [
  '',
  'PING ::1(::1) from ::1 : 56 data bytes',
  'PING 192.0.2.1 (192.0.2.1) 16(44) bytes of data.',
  'From 192.0.2.2: icmp_seq=1 Redirect Host(New nexthop: 192.0.2.1)',
  'From 192.0.2.2: icmp_seq=1 Source Quench',
  '64 bytes from ::1: icmp_seq=1 ttl=64 time=0.045 ms (DUP!)',
  '64 bytes from ::1: icmp_seq=1 ttl=64 time=0.045 ms (BAD CHECKSUM!)',
  '64 bytes from ::1: icmp_seq=1 ttl=64 time=0.0',
  '64 bytes from ::1: icmp_seq=1 ttl=64',
  '64 bytes from ::1: icmp_seq=70000 ttl=64 time=0.045 ms',
  '64 bytes from ::1: icmp_seq=-1 ttl=64 time=0.045 ms',
  'no answer yet for icmp_seq=',
  'no answer yet for icmp_seq=12x',
  'ping: Warning: time of day goes back (-500123us), taking countermeasures',
  'rtt min/avg/max/mdev = 0.022/0.051/0.244/0.070 ms',
];

describe('a line of ping', () => {
  it.each(LINES)('is understood: %s', (line, meaning) => {
    expect(parsePingLine(line)).toEqual(meaning);
  });

  it.each(NOISE)('says nothing: %s', (line) => {
    expect(parsePingLine(line)).toEqual({ kind: 'other' });
  });
});

describe('a stream of lines', () => {
  it('comes out the same wherever it is cut', () => {
    const text = 'first\nsecond\n\nfourth\n';
    for (let at = 0; at <= text.length; at += 1) {
      const cutter = new LineCutter();
      const lines = [...cutter.push(text.slice(0, at)), ...cutter.push(text.slice(at))];

      expect(lines).toEqual(['first', 'second', '', 'fourth']);
    }
  });

  it('keeps a line without its end for later', () => {
    const cutter = new LineCutter();

    expect(cutter.push('no end')).toEqual([]);
    expect(cutter.push(' yet\n')).toEqual(['no end yet']);
  });

  it.each([
    [512, ['x'.repeat(512), 'next']],
    [513, ['next']],
    [100_000, ['next']],
  ])('drops a line of more than 512 characters (%d), and goes on with the next', (length, lines) => {
    const cutter = new LineCutter();
    const text = `${'x'.repeat(length)}\nnext\n`;

    const whole = cutter.push(text);
    const pieces = text.match(/[\w\n]{1,100}/g)?.flatMap((piece) => cutter.push(piece));

    expect(whole).toEqual(lines);
    expect(pieces).toEqual(lines);
  });
});
