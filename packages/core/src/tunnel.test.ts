import { describe, expect, it } from 'vitest';
import { simulatedConfig, simulatedTunnel } from './testing/index.js';
import { backoff, sameTunnel } from './tunnel.js';

describe('the pause after a failure', () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [4, 8_000],
    [6, 32_000],
    [7, 60_000],
    [8, 60_000],
    [10_000, 60_000],
  ])('number %d is %d ms', (attempt, pause) => {
    expect(backoff(attempt, simulatedConfig({ tunnels: [] }))).toBe(pause);
  });
});

describe('what the host sees of a tunnel', () => {
  const he = simulatedTunnel('he', { type: 'he_6in4' });

  it.each([
    ['name', { name: 'he-2' }, true],
    ['priority', { priority: 4 }, true],
    ['enabled', { enabled: false }, true],
    ['iface', { iface: 'he1' }, false],
    ['address', { address: '2001:db8::2' }, false],
    ['prefix length', { prefixLength: 48 }, false],
    ['endpoint', { endpoint: '192.0.2.9' }, false],
  ])('is the same for another %s: %j is %s', (_what, change, same) => {
    expect(sameTunnel(he, { ...he, ...change } as typeof he)).toBe(same);
  });
});
