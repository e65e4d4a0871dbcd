import { describe, expect, it } from 'vitest';
import { describeConfigProblem, describeDriverError, describeGatewayError, type GatewayError } from './errors.js';
import type { DriverError } from './facts.js';

const DRIVER: readonly (readonly [string, DriverError])[] = [
  ['"wg-quick" is not installed', { kind: 'missing_tool', tool: 'wg-quick', install: null }],
  [
    '"wg-quick" is not installed: apt install wireguard-tools',
    { kind: 'missing_tool', tool: 'wg-quick', install: 'apt install wireguard-tools' },
  ],
  [
    'not permitted to add routes: run as root or grant CAP_NET_ADMIN and CAP_NET_RAW',
    { kind: 'not_permitted', operation: 'add routes' },
  ],
  ['there is no interface "he0"', { kind: 'interface_missing', iface: 'he0' }],
  [
    'interface "he0" exists and is not ours (a bridge): choose another "iface" or remove it',
    { kind: 'interface_taken', iface: 'he0', found: 'a bridge' },
  ],
  ['"endpoint" is missing', { kind: 'misconfigured', setting: 'endpoint', problem: 'is missing' }],
  ['IPv6 is switched off', { kind: 'unsupported', what: 'IPv6 is switched off' }],
  [
    '"ip link add" ended with status 2: RTNETLINK answers: File exists',
    {
      kind: 'command_failed',
      argv: ['ip', 'link', 'add'],
      exitCode: 2,
      stderr: '\nRTNETLINK answers: File exists\nmore\n',
    },
  ],
  ['"ip" was ended by a signal', { kind: 'command_failed', argv: ['ip'], exitCode: null, stderr: '' }],
  ['no answer within 15 s', { kind: 'timed_out', after: 15_000 }],
  ['it was called off', { kind: 'aborted' }],
  ['a defect of ours: boom', { kind: 'defect', cause: new Error('boom') }],
  ['a defect of ours: boom', { kind: 'defect', cause: 'boom' }],
];

const GATEWAY: readonly (readonly [string, GatewayError])[] = [
  ['tunnel "he" is of type he_6in4, which this host cannot run', { kind: 'no_driver', tunnel: 'he', type: 'he_6in4' }],
  ['there is no tunnel "x"; there are: he, wg', { kind: 'unknown_tunnel', tunnel: 'x', known: ['he', 'wg'] }],
  ['there is no tunnel "x"; there are: none', { kind: 'unknown_tunnel', tunnel: 'x', known: [] }],
  [
    'gave up stopping after 30 s; still there: he, the default route',
    { kind: 'stop_incomplete', left: ['he', 'the default route'], after: 30_000 },
  ],
  ['no tunnel became usable within 10 s', { kind: 'not_ready', after: 10_000 }],
];

describe('errors in one sentence', () => {
  it.each(DRIVER)('of drivers: %s', (sentence, error) => {
    expect(describeDriverError(error)).toBe(sentence);
  });

  it.each(GATEWAY)('of the gateway: %s', (sentence, error) => {
    expect(describeGatewayError(error)).toBe(sentence);
  });

  it.each([
    ['a.conf:7: tunnel.he.iface: too long', 7, 'tunnel.he.iface'],
    ['a.conf: tunnel.he: too long', null, 'tunnel.he'],
    ['a.conf:7: too long', 7, ''],
  ])('of configurations, in the form that editors jump to: %s', (sentence, line, where) => {
    expect(describeConfigProblem('a.conf', { line, where, problem: 'too long' })).toBe(sentence);
  });
});
