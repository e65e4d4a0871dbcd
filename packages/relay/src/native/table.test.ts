import { Prng } from '@hurricane/core/testing';
import { expect, it } from 'vitest';
import { Table } from './table.js';

it.each([1, 2, 3])('holds what a Map would, whatever comes and goes, with seed %i', (seed) => {
  const prng = new Prng(seed);
  const [table, map] = [new Table<string>(), new Map<number, string>()];
  let last = 0;

  for (let step = 0; step < 20_000; step += 1) {
    // It grows to some thousands, and shrinks to nothing again.
    if (prng.chance(step % 10_000 < 5_000 ? 0.7 : 0.2)) {
      last += 1;
      const key = prng.chance(0.5) ? last : -last;
      table.set(key, `${step}`);
      map.set(key, `${step}`);
    } else {
      const known = [...map.keys()][prng.between(0, Math.min(map.size, 50))] ?? last;
      table.delete(known);
      map.delete(known);
    }
    const asked = prng.between(-last, last) || 1;
    expect(table.get(asked)).toBe(map.get(asked));
    expect(table.size).toBe(map.size);
  }

  expect([...table.values()].sort()).toEqual([...map.values()].sort());
});

it('has one value for a key, the latest', () => {
  const table = new Table<string>();

  table.set(-7, 'a');
  table.set(-7, 'b');

  expect(table.get(-7)).toBe('b');
  expect(table.size).toBe(1);
  table.delete(-7);
  table.delete(-7);
  expect(table.get(-7)).toBeUndefined();
  expect(table.values()).toEqual([]);
});
