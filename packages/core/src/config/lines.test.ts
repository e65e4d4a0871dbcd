import fc from 'fast-check';
import { unsafe } from 'ini';
import { describe, expect, test } from 'vitest';
import { decodeValue } from './decode.js';
import { scanLines } from './lines.js';

describe('lines', () => {
  test('keep their numbers and their order', () => {
    const scan = scanLines('# one\n\n[b]\nk = v\n\n; six\n[a.c.d]\nx=1\ny =2 ; two\n');

    expect(scan).toEqual({
      problems: [],
      sections: [
        { name: 'b', line: 3, entries: [{ key: 'k', value: 'v', line: 4 }] },
        {
          name: 'a.c.d',
          line: 7,
          entries: [
            { key: 'x', value: '1', line: 8 },
            { key: 'y', value: '2', line: 9 },
          ],
        },
      ],
    });
  });

  test.each(['\n', '\r\n', '\r'])('may end in %j', (end) => {
    const scan = scanLines(['[a]', '', 'k = v ', '[b]'].join(end));

    expect(scan.problems).toEqual([]);
    expect(scan.sections.map((s) => [s.name, s.line])).toEqual([
      ['a', 1],
      ['b', 4],
    ]);
    expect(scan.sections[0]?.entries).toEqual([{ key: 'k', value: 'v', line: 3 }]);
  });

  test('may begin with a byte order mark', () => {
    expect(scanLines('\uFEFF[a]\n')).toEqual({ problems: [], sections: [{ name: 'a', line: 1, entries: [] }] });
  });

  test('are whole however long they are', () => {
    const scan = scanLines(`[a]\n# ${'x'.repeat(2_000)} k = v\nk = ${'y'.repeat(2_000)}\n`);

    expect(scan.sections[0]?.entries).toEqual([{ key: 'k', value: 'y'.repeat(2_000), line: 3 }]);
  });

  test.each(['[ a ]', '[a] # note', '[a];note', '\t[a]  '])('open the section a: %j', (header) => {
    expect(scanLines(header)).toEqual({ problems: [], sections: [{ name: 'a', line: 1, entries: [] }] });
  });

  test('that lack the "]" are still the section they were meant to be', () => {
    const scan = scanLines('[a]\nk = 1\n[b # note\nk = 2');

    expect(scan.problems).toEqual([
      { line: 3, where: 'b', problem: 'the section header "[b # note" lacks its closing "]"' },
    ]);
    expect(scan.sections.map((s) => [s.name, s.entries.length])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
  });

  test.each([
    ['[a] b', 'a'],
    ['[a]\n[a]', 'a'],
    ['[a]\njunk', 'a'],
    ['[a]\njunk # = 1', 'a'],
    ['[a]\n= 1', 'a'],
    ['k = 1', 'k'],
    ['[a]\nk = "v', 'a.k'],
    ['[a]\nk = "v" w', 'a.k'],
    ['[a]\nk = "\\d"', 'a.k'],
    ['[a]\nk = a\u0007b', 'a.k'],
  ])('like %j are a problem', (text, where) => {
    expect(scanLines(text).problems).toMatchObject([{ line: text.split('\n').length, where }]);
  });
});

describe('a value', () => {
  test.each([
    ['v', 'v'],
    ['  v  # note', 'v'],
    ['v;note', 'v'],
    ['a \\# b \\; c # d', 'a # b ; c'],
    ['"v"  # note', 'v'],
    ["'v' ; note", 'v'],
    ['"a # b"', 'a # b'],
    ['"a \\" b" # "', 'a " b'],
    ["'a \\ b'", 'a \\ b'],
    ["'1e3'", '1e3'],
    ["'true'", 'true'],
    ['"\\u0041"', 'A'],
    ['a = b', 'a = b'],
    ['a "b" c', 'a "b" c'],
    ['# note', ''],
    ['""', ''],
    ['', ''],
    ['null', 'null'],
  ])('%j is %j', (raw, value) => {
    expect(decodeValue(raw)._unsafeUnwrap()).toBe(value);
  });

  test.each(['"', '"v', "'v", '"v" w', '"a" "b"', '"\\d"', '"\\u000a"', 'a\u0000b', '"a\\"'])(
    '%j cannot be read',
    (raw) => {
      expect(decodeValue(raw).isErr()).toBe(true);
    },
  );

  test('means what ini takes it to mean, where it is not in quotes', () => {
    const raws = fc
      .string({ unit: fc.constantFrom('a', ' ', '#', ';', '\\', '=', '"', "'") })
      .filter((s) => !/^\s*["']/.test(s));

    fc.assert(fc.property(raws, (raw) => decodeValue(raw)._unsafeUnwrap() === unsafe(raw)));
  });
});
