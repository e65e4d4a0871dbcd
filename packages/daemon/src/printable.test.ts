import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.js';
import { printable, printableWithin } from './printable.js';

describe("somebody else's text", () => {
  it.each([
    ['plain text, ünïcode and all', 'plain text, ünïcode and all'],
    ['two\nlines\r\n', 'two\\nlines\\r\\n'],
    ['a\tb', 'a\\tb'],
    ['\x1b[31mred\x07', '\\u001b[31mred\\u0007'],
    ['\x7f\x9b', '\\u007f\\u009b'],
    ['\u2028\u2029', '\\u2028\\u2029'],
    ['\u202etxt.exe', '\\u202etxt.exe'],
  ])('is shown on one line and without commands to the terminal: %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('is cut to a length', () => {
    expect(printableWithin(3, 'abc')).toBe('abc');
    expect(printableWithin(3, 'abcd')).toBe('abc…');
  });
});

describe('a misspelt word', () => {
  it.each([
    ['statsu', 'status'],
    ['stat', 'status'],
    ['playgrond', 'playground'],
    ['frobnicate', null],
    ['', null],
  ])('%j is taken for %j', (given, meant) => {
    expect(nearest(given, ['playground', 'status'])).toBe(meant);
  });
});
