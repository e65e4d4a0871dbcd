import { expect, it } from 'vitest';
import { READ_ALONE } from './native-limits.js';
import { Pace } from './pace.js';

it('takes datagrams that come alone for such, and looks now and then whether there are more', () => {
  const pace = new Pace();
  const came = (count: number): boolean => {
    pace.came(count);
    return pace.comesAlone;
  };

  expect(pace.comesAlone).toBe(false);
  expect(came(2)).toBe(false);
  expect(Array.from({ length: READ_ALONE + 2 }, () => came(1))).toEqual([
    ...Array.from({ length: READ_ALONE }, () => true),
    false,
    true,
  ]);
  expect(came(2)).toBe(false);
});
