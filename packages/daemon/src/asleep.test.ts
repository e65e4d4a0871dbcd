import { expect, it } from 'vitest';
import { asleep } from './asleep.js';

it('does not change while the machine is awake, but for the second it may be off', async () => {
  const before = asleep();
  await new Promise((resolve) => setImmediate(resolve));

  expect(before).toBeGreaterThanOrEqual(0);
  expect(Math.abs(asleep() - before)).toBeLessThan(1_100);
});
