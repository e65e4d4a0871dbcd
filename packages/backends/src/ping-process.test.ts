import { describe, expect, it } from 'vitest';
import type { PingEnd } from './ping-failure.js';
import { type PingProcess, spawnPing } from './ping-process.js';

describe('spawnPing', () => {
  it('tells all of both outputs before the end, in the C locale', async () => {
    const script = 'process.stdout.write(process.env.LC_ALL); process.stderr.write("bad"); process.exitCode = 3';

    expect(await ran([process.execPath, '-e', script])).toEqual({
      stdout: 'C',
      stderr: 'bad',
      end: { kind: 'exited', exitCode: 3 },
    });
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
