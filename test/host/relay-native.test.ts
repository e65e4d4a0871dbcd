import { describe, expect, it } from 'vitest';
import { run } from '../support/command.js';
import { requireNative } from '../support/require-native.js';

const blocked = requireNative();
const because = blocked === null ? '' : ` (skipped: ${blocked})`;

describe.skipIf(blocked !== null)(`a process with the native engine${because}`, () => {
  it.each([
    ['exit', 7],
    ['idle', 0],
    ['crash', 1],
  ] as const)('comes to its end though a thread of it sleeps in the kernel: %s', async (how, code) => {
    const script = new URL('../support/native-process.mjs', import.meta.url).pathname;
    const began = performance.now();

    const ended = await run([process.execPath, script, how], { limit: 10_000 });

    expect(ended.stdout).toContain('with its native engine');
    expect(ended.exitCode).toBe(code);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
