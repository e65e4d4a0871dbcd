import { expect, it } from 'vitest';
import { HEALTH_DEFAULTS } from './config/defaults.js';
import { jittered } from './jitter.js';

it.each([
  [0, 528],
  [0.5, 564],
  [1, 600],
])('an interval is shortened by an eighth at most (%d)', (chance, interval) => {
  expect(jittered(600, chance)).toBe(interval);
});

it('a healthy tunnel is never asked twice a second', () => {
  expect(1_000 / jittered(HEALTH_DEFAULTS.interval, 0)).toBeLessThan(2);
});
