import { parseIpv6 } from '@hurricane/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOfAddress, textOfAddress } from './address-bytes.js';

test.each([
  ['00000000', '0.0.0.0'],
  ['c0000201', '192.0.2.1'],
  ['ffffffff', '255.255.255.255'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000000000001', '::1'],
  ['20010db8000000000000000000000000', '2001:db8::'],
  ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['20010db8000100010001000100010001', '2001:db8:1:1:1:1:1:1'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['0064ff9b0000000000000000c0000201', '64:ff9b::c000:201'],
  ['00000000000000000000fffec0000201', '::fffe:c000:201'],
])('%s is %s, and back', (hex, text) => {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));

  expect(textOfAddress(bytes)).toBe(text);
  expect(bytesOfAddress(text)).toEqual(bytes);
});

test('an IPv4-mapped address is the IPv4 address', () => {
  expect(textOfAddress(Uint8Array.from(Buffer.from('00000000000000000000ffffc0000201', 'hex')))).toBe('192.0.2.1');
  expect(textOfAddress(bytesOfAddress('::ffff:192.0.2.1') ?? new Uint8Array())).toBe('192.0.2.1');
});

test('a zone is left out', () => {
  expect(bytesOfAddress('fe80::1%eth0')).toEqual(bytesOfAddress('fe80::1'));
});

test.each([
  '',
  ':',
  '1',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::8:9',
  'g::',
  '12345::',
  '1.2.3',
  '1.2.3.256',
  '01.2.3.4',
  '::1.2.3',
  '::1.2.3.4.5',
  ' ::1',
])('%j is no address', (text) => {
  expect(bytesOfAddress(text)).toBeNull();
});

test('writes every IPv6 address as the parser of the configuration does', () => {
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff));

  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const bytes = Uint8Array.from(groups.flatMap((g) => [g >> 8, g & 255]));
      const text = groups.map((g) => g.toString(16)).join(':');
      const own = textOfAddress(bytes);
      if (own.includes(':')) expect(own).toBe(parseIpv6(text)._unsafeUnwrap());
      expect(bytesOfAddress(text)).toEqual(bytes);
    }),
    { numRuns: 2_000 },
  );
});
