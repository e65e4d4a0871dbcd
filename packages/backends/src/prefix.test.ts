import { describe, expect, it } from 'vitest';
import { networkKey, prefixKey, sameAddress } from './prefix.js';

describe('comparing networks', () => {
  it.each([
    ['2001:db8::2/64', '2001:DB8:0:0::/64'],
    ['::/0', 'default'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['::ffff:192.0.2.1/128', '::ffff:c000:201/128'],
    ['2001:db8:f::/45', '2001:db8:8::/45'],
  ])('%s is %s', (a, b) => {
    expect(prefixKey(a)).toBe(prefixKey(b));
    expect(prefixKey(a)).not.toBeNull();
  });

  it.each([
    ['2001:db8::/64', '2001:db8::/65'],
    ['2001:db8:0:1::/64', '2001:db8::/64'],
    ['2001:db8:f::/45', '2001:db8:7::/45'],
    ['::1', '::2'],
  ])('%s is not %s', (a, b) => {
    expect(prefixKey(a)).not.toBe(prefixKey(b));
  });

  it.each(['192.0.2.1', 'fe80::1%eth0', '', 'x'])('"%s" is no network', (text) => {
    expect(networkKey(text, 64)).toBeNull();
  });

  it('takes two addresses for one, however they are written', () => {
    expect(sameAddress('2001:db8::1', '2001:DB8:0::1')).toBe(true);
    expect(sameAddress('2001:db8::1', '2001:db8::2')).toBe(false);
    expect(sameAddress(null, null)).toBe(true);
    expect(sameAddress('::', null)).toBe(false);
  });
});
