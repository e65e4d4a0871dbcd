import { expect, test } from 'vitest';
import { readName } from './name.js';

test.each([
  ['example.org', 'example.org'],
  ['EXAMPLE.org.', 'example.org'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['_dns.example', '_dns.example'],
  ['localhost', 'localhost'],
  ['a', 'a'],
  ['1.example', '1.example'],
  [`${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`],
  [`${'a.'.repeat(126)}b`, `${'a.'.repeat(126)}b`],
])('%j is the name %s', (text, name) => {
  expect(readName(text)).toEqual({ kind: 'name', name });
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::1', '::1'],
  ['[::1]', '::1'],
  ['2001:DB8::0:1', '2001:db8::1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['[::ffff:7f00:1]', '127.0.0.1'],
])('%j is the address %s', (text, address) => {
  expect(readName(text)).toEqual({ kind: 'address', address });
});

// 22: what old libraries take for 127.0.0.1, and what is no name at all.
test.each([
  ...['', '.', '..', 'a..b', '.a', '-a.b', 'a-.b', 'a b', 'a\0.b', 'a\n', 'bücher.example', 'a/b', 'a%00', 'a@b'],
  ...['127.1', '0x7f.1', '0x7f000001', '2130706433', '017700000001', '127.0.0.1.', '1.2.3.4.5', 'a.1', 'a.0x'],
  ...['[example.org]', '[::1', 'fe80::1%eth0', `${'a'.repeat(64)}.b`, `${'a.'.repeat(126)}bb`],
])('%j is nothing', (text) => {
  expect(readName(text)).toBeNull();
});
