import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { BearerToken, describeTokenFlaw } from './node.js';

const TOKEN = '0123456789abcdef';

describe('a bearer token', () => {
  test.each([TOKEN, `${TOKEN}\n`, `${TOKEN}\r\n`, 'aZ09-._~+/aZ09-._~+/==', 'x'.repeat(512)])(
    'is read from %j',
    (text) => {
      const token = BearerToken.of(text)._unsafeUnwrap();

      expect(token.matches(text.trim())).toBe(true);
      for (let length = 0; length < text.trim().length; length += 1)
        expect(token.matches(text.slice(0, length))).toBe(false);
      expect(token.matches(`${text.trim()}x`)).toBe(false);
      expect(token.matches(text.trim().toUpperCase())).toBe(text.trim() === text.trim().toUpperCase());
    },
  );

  test.each([
    ['', 'empty'],
    ['\n', 'empty'],
    ['x'.repeat(15), 'too_short'],
    ['x'.repeat(513), 'too_long'],
    [`${TOKEN}\n\n`, 'unusable'],
    [`${TOKEN}\n${TOKEN}\n`, 'unusable'],
    [` ${TOKEN}`, 'unusable'],
    [`${TOKEN} `, 'unusable'],
    ['====================', 'unusable'],
    ['pässword-pässword', 'unusable'],
    [`${TOKEN}\0`, 'unusable'],
    ['-----BEGIN PRIVATE KEY-----', 'unusable'],
  ] as const)('is not read from %j: %s', (text, flaw) => {
    expect(BearerToken.of(text)._unsafeUnwrapErr()).toBe(flaw);
    expect(describeTokenFlaw(flaw)).not.toBe('');
  });

  test('shows itself in no log and no document', () => {
    const token = BearerToken.of(TOKEN)._unsafeUnwrap();

    expect(inspect(token, { showHidden: true, depth: null })).not.toContain(TOKEN);
    expect(JSON.stringify({ token })).toBe('{"token":{}}');
    expect(`${token}`).not.toContain(TOKEN);
  });
});
