import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressKind,
  hostInNetwork,
  isNetwork,
  networkOf,
  parseAddress,
  parseIpv4,
  parseIpv6,
  parseIpv6Prefix,
} from './address.js';

describe('an IPv4 address', () => {
  test.each(['192.0.2.1', '0.0.0.0', '255.255.255.255'])('%s is taken as it is', (text) => {
    expect(parseIpv4(text)._unsafeUnwrap()).toBe(text);
  });

  test.each(['', '192.0.2', '192.0.2.256', '0300.0.2.1', '01.2.3.4', '0x7f.0.0.1', '192.0.2.1 ', '192.0.2.1/24', '1'])(
    '"%s" is refused',
    (text) => {
      expect(parseIpv4(text).isErr()).toBe(true);
    },
  );

  test('an IPv6 address in its place is called one', () => {
    expect(parseIpv4('2001:db8::1')._unsafeUnwrapErr()).toMatch(/^is an IPv6 address/);
  });
});

describe('an IPv6 address', () => {
  test.each([
    ['2001:DB8:0:0:0:0:0:2', '2001:db8::2'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::', '::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::192.0.2.1', '::c000:201'],
  ])('%s becomes %s', (text, canonical) => {
    expect(parseIpv6(text)._unsafeUnwrap()).toBe(canonical);
  });

  test.each(['', ':', '1::2::3', '12345::', '2001:db8::1%eth0', '2001:db8::/64', '[::1]', '::0x1.2.3.4', '::01.2.3.4'])(
    '"%s" is refused',
    (text) => {
      expect(parseIpv6(text).isErr()).toBe(true);
    },
  );

  test('an IPv4 address in its place is called one, and a zone id by its name', () => {
    expect(parseIpv6('192.0.2.1')._unsafeUnwrapErr()).toMatch(/^is an IPv4 address/);
    expect(parseIpv6('fe80::1%eth0')._unsafeUnwrapErr()).toMatch(/after "%"/);
  });

  test('is accepted exactly where the platform accepts one without a zone', () => {
    const group = fc.constantFrom('', '0', '1', 'db8', '2001', 'FFFF', '00001', 'g', '192.0.2.1', '1.2.3.04', ' ');
    const texts = fc.array(group, { maxLength: 10 }).map((groups) => groups.join(':'));

    fc.assert(fc.property(texts, (text) => parseIpv6(text).isOk() === isIPv6(text)));
  });

  test('is written the way a browser writes it', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.nat(0xffff).map((n) => (n % 3 === 0 ? 0 : n)),
          { minLength: 8, maxLength: 8 },
        ),
        (groups) => {
          const text = groups.map((n) => n.toString(16).padStart(4, '0')).join(':');

          expect(`[${parseIpv6(text)._unsafeUnwrap()}]`).toBe(new URL(`http://[${text}]/`).hostname);
        },
      ),
    );
  });
});

describe('an IPv6 prefix', () => {
  test('keeps the host bits and the length it was given', () => {
    expect(parseIpv6Prefix('2001:db8::2')._unsafeUnwrap()).toEqual({ address: '2001:db8::2', length: null });
    expect(parseIpv6Prefix('2001:DB8::/64')._unsafeUnwrap()).toEqual({ address: '2001:db8::', length: 64 });
    expect(parseIpv6Prefix('2001:db8::2/128')._unsafeUnwrap()).toEqual({ address: '2001:db8::2', length: 128 });
  });

  test.each(['2001:db8::/0', '2001:db8::/129', '2001:db8::/', '2001:db8::/064', '2001:db8::/6e1', '2001:db8::/64/64'])(
    '"%s" has an impossible length',
    (text) => {
      expect(parseIpv6Prefix(text).isErr()).toBe(true);
    },
  );

  test('tells of a bad address and a bad length together', () => {
    expect(parseIpv6Prefix('192.0.2.1/999')._unsafeUnwrapErr()).toHaveLength(2);
  });
});

test('a network is told from a machine in it, and the two longest prefixes have machines only', () => {
  expect(isNetwork('2001:db8::', 64)).toBe(true);
  expect(isNetwork('2001:db8::2', 64)).toBe(false);
  expect(isNetwork('2001:db8::4', 126)).toBe(true);
  expect(isNetwork('2001:db8::', 127)).toBe(false);
  expect(isNetwork('2001:db8::', 128)).toBe(false);
  expect(networkOf('2001:db8:0:1::2', 48)).toBe('2001:db8::');
  expect(hostInNetwork('2001:db8::', 2)).toBe('2001:db8::2');
  expect(hostInNetwork('2001:db8::fc', 2)).toBe('2001:db8::fe');
});

test.each([
  ['127.0.0.1', 'loopback'],
  ['127.9.9.9', 'loopback'],
  ['::1', 'loopback'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['fe80::1', 'link_local'],
  ['ff02::1', 'multicast'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['::ffff:c000:201', 'ipv4_mapped'],
  ['192.0.2.1', 'unicast'],
  ['fc00::1', 'unicast'],
  ['2001:db8::1', 'unicast'],
])('%s is %s', (address, kind) => {
  expect(addressKind(parseAddress(address)._unsafeUnwrap())).toBe(kind);
});
