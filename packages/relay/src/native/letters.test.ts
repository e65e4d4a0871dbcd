import { describe, expect, it } from 'vitest';
import { UDP_WAITING_AT_MOST } from '../limits.js';
import { Letters, type Line } from './letters.js';
import { LETTERS_AT_MOST, LETTERS_BYTES_AT_MOST } from './native-limits.js';

const FROM = Uint8Array.of(1);

function someLetters(room = Number.POSITIVE_INFINITY) {
  let held = 0;
  const letters = new Letters({
    take: (bytes) => {
      if (held + bytes > room) return false;
      held += bytes;
      return true;
    },
    giveBack: (bytes) => {
      held -= bytes;
    },
  });
  return { letters, held: () => held };
}

const lineOf = (letters: Letters, key: string): Line => letters.lineOf(key) ?? { key, from: FROM, waiting: [] };

describe('letters that wait to be judged', () => {
  it('are bounded in number, waiting or not, and there is room again after each answer', () => {
    const { letters, held } = someLetters();
    const numbers = Array.from({ length: LETTERS_AT_MOST - 1 }, () => letters.hand(1, null, FROM));
    expect(numbers).not.toContain(null);
    expect(letters.hand(1, 'a', FROM)).not.toBeNull();
    expect(letters.hand(1, null, FROM)).toBeNull();
    expect(letters.wait(lineOf(letters, 'a'), new Uint8Array(1))).toBe(false);

    letters.read(numbers[0] ?? 0);
    letters.read(numbers[0] ?? 0);
    expect(letters.wait(lineOf(letters, 'a'), new Uint8Array(1))).toBe(true);
    expect(letters.hand(1, null, FROM)).toBeNull();
    expect(held()).toBe(LETTERS_AT_MOST);
  });

  it('are bounded in bytes, of one client and of all', () => {
    const one = someLetters().letters;
    expect(one.hand(LETTERS_BYTES_AT_MOST, null, FROM)).not.toBeNull();
    expect(one.hand(1, null, FROM)).toBeNull();

    const { letters, held } = someLetters(100);
    expect(letters.hand(60, null, FROM)).not.toBeNull();
    expect(letters.hand(60, null, FROM)).toBeNull();
    expect(held()).toBe(60);
  });

  it('are bounded in a line, which ends with nothing held', () => {
    const { letters, held } = someLetters();
    const first = letters.hand(10, 'a', FROM) ?? 0;
    const line = lineOf(letters, 'a');
    for (let i = 0; i < UDP_WAITING_AT_MOST; i += 1) expect(letters.wait(line, new Uint8Array(10))).toBe(true);
    expect(letters.wait(line, new Uint8Array(10))).toBe(false);

    expect(letters.read(first)).toBe(line);
    const [second = new Uint8Array()] = line.waiting.splice(0, 1);
    const next = letters.handNext(line, second);
    expect(letters.read(next)).toBe(line);
    letters.end(line);

    expect(letters.lineOf('a')).toBeUndefined();
    expect(held()).toBe(0);
  });

  it('are all let go of in the end', () => {
    const { letters, held } = someLetters();
    letters.hand(10, 'a', FROM);
    letters.wait(lineOf(letters, 'a'), new Uint8Array(5));
    letters.hand(10, null, FROM);

    letters.clear();

    expect(held()).toBe(0);
    expect(letters.hand(1, 'a', FROM)).not.toBeNull();
  });
});
