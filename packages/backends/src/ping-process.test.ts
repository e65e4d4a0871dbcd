import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PingEnd } from './ping-failure.js';
import { type PingProcess, spawnPing } from './ping-process.js';
import { probeClock } from './probe-clock.js';

describe('spawnPing', () => {
  it('tells all of both outputs before the end, in the C locale', async () => {
    const script = 'process.stdout.write(process.env.LC_ALL); process.stderr.write("bad"); process.exitCode = 3';

    expect(await ran([process.execPath, '-e', script])).toEqual({
      stdout: 'C',
      stderr: 'bad',
      end: { kind: 'exited', exitCode: 3 },
    });
  });

  it('tells what was written to the output before what was complained of after it', async () => {
    // The complaints' pipe is the first to have anything in it, and everything is there before any is read.
    const script = `
      const { existsSync, mkdirSync, writeSync } = require('node:fs');
      const [, go, written] = process.argv;
      for (const still = new Int32Array(new SharedArrayBuffer(4)); !existsSync(go); ) Atomics.wait(still, 0, 0, 1);
      for (const [fd, text] of [[2, '1'], [1, '2'], [2, '3']]) writeSync(fd, text);
      mkdirSync(written);
    `;
    const folder = mkdtempSync(join(tmpdir(), 'ping-'));
    const [go, written] = [join(folder, 'go'), join(folder, 'written')];
    const told: string[] = [];

    await new Promise<void>((resolve) => {
      const hear = (chunk: string) => told.push(chunk);
      spawnPing([process.execPath, '-e', script, go, written], { stdout: hear, stderr: hear, ended: () => resolve() });
      // Once the loop has taken a turn, it listens to both pipes.
      probeClock.alarm(probeClock.now(), 'test', () => {
        mkdirSync(go);
        standStillUntil(written);
      });
    });
    rmSync(folder, { recursive: true });

    expect(told).toEqual(['2', '13']);
  });

  it('waits for what is still being written when the process ends', async () => {
    const later = 'setTimeout(() => process.stdout.write(`later`), 50)';
    const begin =
      "require('node:child_process').spawn(process.execPath, ['-e', process.argv[1]], { stdio: 'inherit' })";

    expect(await ran([process.execPath, '-e', `${begin}.unref()`, later])).toMatchObject({ stdout: 'later' });
  });

  it('uses no shell', async () => {
    const script = 'process.stdout.write(process.argv.slice(1).join("|"))';

    expect(await ran([process.execPath, '-e', script, 'a b', '; echo $HOME'])).toMatchObject({
      stdout: 'a b|; echo $HOME',
    });
  });

  it.each([
    ['a program that is not there', 'no-such-program', 'ENOENT'],
    ['a file that is no program', '/etc/passwd', 'EACCES'],
    ['a name no program can have', 'a\0b', 'ERR_INVALID_ARG_VALUE'],
  ])('says why it could not start %s', async (_what, command, code) => {
    expect((await ran([command])).end).toEqual({ kind: 'not_started', code });
  });

  it('ends what it started at once', async () => {
    const forever = 'setInterval(() => {}, 1000); process.stdout.write("ready")';

    const { end } = await ran([process.execPath, '-e', forever], (process) => process.kill());

    expect(end).toEqual({ kind: 'exited', exitCode: null });
  });
});

/** Runs to the end; `ready` is called at the first output. */
function ran(argv: readonly string[], ready: (process: PingProcess) => void = () => {}) {
  return new Promise<{ stdout: string; stderr: string; end: PingEnd }>((resolve) => {
    let stdout = '';
    let stderr = '';
    const process = spawnPing(argv, {
      stdout: (chunk) => {
        stdout += chunk;
        ready(process);
      },
      stderr: (chunk) => {
        stderr += chunk;
      },
      ended: (end) => resolve({ stdout, stderr, end }),
    });
  });
}

/** Blocks this thread, as a busy event loop would, until `path` exists. */
function standStillUntil(path: string): void {
  const still = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < 2_000 && !existsSync(path); tries += 1) Atomics.wait(still, 0, 0, 5);
}
