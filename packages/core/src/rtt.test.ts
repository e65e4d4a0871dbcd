import { describe, expect, it } from 'vitest';
import { observeRtt, probeDeadline, type RttEstimate } from './rtt.js';

const bounds = { min: 150, max: 1_000 };

describe('the estimate of the round trip', () => {
  it('begins with the first one', () => {
    expect(observeRtt(null, 100)).toEqual({ srtt: 100, rttvar: 50 });
  });

  it('follows RFC 6298: an eighth of the new, a quarter of the deviation', () => {
    expect(observeRtt({ srtt: 100, rttvar: 50 }, 180)).toEqual({ srtt: 110, rttvar: 57.5 });
  });

  it('settles on a steady round trip', () => {
    const settled = Array.from({ length: 100 }).reduce<RttEstimate | null>((e) => observeRtt(e, 80), null);

    expect(settled?.srtt).toBeCloseTo(80);
    expect(settled?.rttvar).toBeCloseTo(0);
  });
});

describe('how long a probe is waited for', () => {
  it.each([
    [null, 1_000],
    [{ srtt: 20, rttvar: 1 }, 150],
    [{ srtt: 100, rttvar: 12.5 }, 150],
    [{ srtt: 100, rttvar: 50 }, 300],
    [{ srtt: 900, rttvar: 25 }, 1_000],
    [{ srtt: 5_000, rttvar: 0 }, 1_000],
  ])('with %j: %d ms', (estimate, deadline) => {
    expect(probeDeadline(estimate, bounds)).toBe(deadline);
  });
});
