import { afterEach, describe, expect, it, vi } from 'vitest';
import { requireHost } from './support/require-host.js';
import { waitFor } from './support/wait-for.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('requireHost', () => {
  it('has nothing to say about a host that has all that is needed', () => {
    expect(requireHost({ tools: ['node'] })).toBeNull();
  });

  it('names a missing program and the Debian package it comes in', () => {
    vi.stubEnv('CI', 'false');

    expect(requireHost({ tools: ['no-such-program'] })).toBe('the program no-such-program is missing.');
    vi.stubEnv('PATH', '/nowhere');
    expect(requireHost({ tools: ['tmux'] })).toMatch(/^the program tmux is missing \(Debian package tmux\)\.$/);
  });

  it('throws under CI, where nothing may be skipped', () => {
    vi.stubEnv('CI', 'true');

    expect(() => requireHost({ tools: ['no-such-program'] })).toThrow(/CI must run every test.*no-such-program/);
  });
});

describe('waitFor', () => {
  it('resolves to what the condition says once it says something', async () => {
    const answers = [false, null, undefined, 0];

    expect(await waitFor(() => answers.shift(), 1_000, 'an answer')).toBe(0);
    expect(answers).toEqual([]);
  });

  it('gives up at its limit, with a sentence', async () => {
    await expect(waitFor(() => false, 20, 'the moon')).rejects.toThrow('waited 20 ms in vain for the moon');
  });

  it('passes on what the condition throws', async () => {
    const broken = (): never => {
      throw new Error('broken');
    };

    await expect(waitFor(broken, 1_000, 'nothing')).rejects.toThrow('broken');
  });
});
