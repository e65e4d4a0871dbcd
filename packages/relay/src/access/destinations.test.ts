import { parseAddressRange } from '@hurricane/core';
import { expect, test } from 'vitest';
import { addressIn } from '../names/name.js';
import { admitsClient } from './clients.js';
import { type DestinationRule, type DestinationRules, permits } from './destinations.js';
import { networkOf } from './networks.js';

const range = (text: string): DestinationRule['network'] => networkOf(parseAddressRange(text)._unsafeUnwrap());
const rule = (text: string, port: number | null = null): DestinationRule => ({ network: range(text), port });

function rules(change: Partial<DestinationRules> = {}): DestinationRules {
  return {
    allow: [],
    deny: [],
    control: () => [{ address: '127.0.0.1', port: 8642 }],
    ownAddresses: () => ['2001:db8:1::2', '198.51.100.7'],
    ...change,
  };
}

const may = (address: string, given = rules(), port = 80): boolean =>
  permits(given, { address: addressIn(address) ?? address, port });

// 23 and S5: what leads into this host or its neighbourhood.
test.each([
  ...['0.0.0.0', '0.255.255.255', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255'],
  ...['127.0.0.1', '127.255.255.255', '169.254.169.254', '172.16.0.0', '172.31.255.255', '192.0.0.1'],
  ...['192.168.0.0', '192.168.255.255', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::7f00:1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:0:7f00:1', '64:ff9b::7f00:1'],
  ...['64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '2002:7f00:1::1', '2002:a00:1::1', 'fc00::1', 'fdff::1', 'fe80::1'],
  ...['febf::1', 'fec0::1', 'ff00::1', 'ff02::1', '2001:db8:1::2', '198.51.100.7', 'no address'],
])('%s is denied', (address) => {
  expect(may(address)).toBe(false);
});

test.each([
  ...['1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
  ...['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255'],
  ...['192.169.0.0', '223.255.255.255', '192.0.2.1', '2001:db8::1', '2001:db8:1::1', '2001:db8:1::3'],
  ...['64:ff9b::c000:201', '2002:c000:201::1', '::ffff:192.0.2.1', 'fbff:ffff::1', '2606:4700::1111'],
])('%s is permitted', (address) => {
  expect(may(address)).toBe(true);
});

test('a mapped address is judged as the IPv4 address, however it is written', () => {
  expect(
    ['::ffff:10.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:a9fe:a9fe'].map((a) =>
      permits(rules(), { address: a, port: 80 }),
    ),
  ).toEqual([false, false, false]);
  expect(permits(rules(), { address: '::ffff:192.0.2.1', port: 80 })).toBe(true);
});

test('the most specific rule decides', () => {
  const given = rules({
    allow: [rule('10.1.0.0/16'), rule('2001:db8:5::/48'), rule('0.0.0.0/0')],
    deny: [rule('10.1.2.0/24'), rule('2001:db8::/32'), rule('203.0.113.0/24', 25)],
  });

  expect(may('10.1.1.1', given)).toBe(true);
  expect(may('10.1.2.1', given)).toBe(false);
  expect(may('10.2.0.1', given)).toBe(false);
  expect(may('2001:db8:5::1', given)).toBe(true);
  expect(may('2001:db8:6::1', given)).toBe(false);
  expect(may('203.0.113.1', given, 25)).toBe(false);
  expect(may('203.0.113.1', given, 26)).toBe(true);
});

test('between equals the configuration beats what is built in, and deny beats allow', () => {
  expect(may('127.0.0.1', rules({ allow: [rule('127.0.0.0/8')] }))).toBe(true);
  expect(may('192.0.2.1', rules({ allow: [rule('192.0.2.1')], deny: [rule('192.0.2.1')] }))).toBe(false);
  expect(may('192.0.2.1', rules({ allow: [rule('192.0.2.1', 80)], deny: [rule('192.0.2.1')] }))).toBe(true);
  expect(may('::1', rules({ allow: [rule('::1')] }))).toBe(true);
});

test('denying everything leaves what is allowed', () => {
  const given = rules({ allow: [rule('2001:db8:5::/48')], deny: [rule('::/0'), rule('0.0.0.0/0')] });

  expect([may('2001:db8:5::1', given), may('2001:db8:6::1', given), may('192.0.2.1', given)]).toEqual([
    true,
    false,
    false,
  ]);
});

test('allowing everything opens nothing that is not public', () => {
  const given = rules({ allow: [rule('::/0'), rule('0.0.0.0/0')] });

  expect(['127.0.0.1', '10.0.0.1', '::1', 'fc00::1', '2001:db8:1::2'].filter((a) => may(a, given))).toEqual([]);
});

test('a port that controls this host has to be named to be opened', () => {
  const loopback = rules({ allow: [rule('127.0.0.0/8')] });
  const everywhere = rules({ allow: [rule('2001:db8:1::2')], control: () => [{ address: '::', port: 8642 }] });

  expect(may('127.0.0.1', loopback, 8642)).toBe(false);
  expect(may('127.0.0.1', loopback, 8643)).toBe(true);
  expect(may('127.0.0.1', rules({ allow: [rule('127.0.0.1', 8642)] }), 8642)).toBe(true);
  expect(may('2001:db8:1::2', everywhere, 8642)).toBe(false);
  expect(may('2001:db8:1::2', everywhere, 8643)).toBe(true);
});

test('an IPv4 address inside an IPv6 one is judged as well', () => {
  const given = rules({ deny: [rule('203.0.113.0/24')] });

  expect(may('64:ff9b::cb00:7101', given)).toBe(false);
  expect(may('2002:cb00:7101::1', given)).toBe(false);
});

test('clients are those of the list; without one, whoever comes', () => {
  const allowed = ['192.0.2.0/24', '2001:db8::/32'].map(range);

  expect(
    ['192.0.2.255', '2001:db8:ffff::1', '::ffff:192.0.2.1'].map((a) => admitsClient(allowed, addressIn(a) ?? '')),
  ).toEqual([true, true, true]);
  expect(['192.0.3.0', '2001:db9::1', '', 'x'].map((a) => admitsClient(allowed, a))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(admitsClient([], '192.0.2.1')).toBe(true);
});
