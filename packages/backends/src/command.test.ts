import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { OUTPUT_LIMIT, systemRunner } from './command.js';
import { launchProgram } from './launch.js';

const live = (): AbortSignal => new AbortController().signal;
const node = (script: string, ...args: string[]): string[] => [process.execPath, '-e', script, '--', ...args];
const runner = systemRunner();

describe('running a program', () => {
  it('answers with its exit status and what it printed', async () => {
    const script = "console.log('out'); console.error('err'); process.exitCode = 3";

    const finished = (await runner.run(node(script), live()))._unsafeUnwrap();

    expect(finished).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('hands arguments over whole, in English, with nothing to read', async () => {
    const script =
      "let n = 0; process.stdin.on('data', (c) => { n += c.length; }).on('end', () =>" +
      'console.log(JSON.stringify([process.argv.slice(1), process.env.LC_ALL, n])))';
    const nasty = ['a b', '; reboot', '$(x)', '`x`', '', '*', '"\''];

    const finished = (await runner.run(node(script, ...nasty), live()))._unsafeUnwrap();

    expect(JSON.parse(finished.stdout)).toEqual([nasty, 'C', 0]);
  });

  it('names the package of a program that is not there', async () => {
    const withoutTools = systemRunner((_argv, options) => {
      throw Object.assign(new Error('not used'), { options });
    });

    expect((await runner.run(['hurricane-nosuch'], live()))._unsafeUnwrapErr()).toEqual({
      kind: 'missing_tool',
      tool: 'hurricane-nosuch',
      install: null,
    });
    expect((await withoutTools.run(['ip'], live()))._unsafeUnwrapErr().kind).toBe('defect');
  });

  it('comes back at once when aborted, and ends the program with all it has started', async () => {
    const call = new AbortController();
    const script =
      "const c = require('child_process').spawn('sleep', ['600']); console.error(c.pid); setInterval(() => {}, 1000)";
    let pid = 0;
    const listening = systemRunner((argv, options) => {
      const child = launchProgram(argv, options);
      pid = child.pid ?? 0;
      child.stderr?.once('data', () => call.abort());
      return child;
    });

    const result = await listening.run(node(script), call.signal);

    expect(result._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
    await expect.poll(() => isGroupAlive(pid), { timeout: 5_000 }).toBe(false);
  });

  it('starts nothing when aborted before', async () => {
    const none = systemRunner(() => {
      throw new Error('started all the same');
    });

    expect((await none.run(['ip'], AbortSignal.abort()))._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
  });

  it('gives up on a program that takes too long', async () => {
    const result = await runner.run(['sleep', '600'], live(), { deadline: 20 });

    expect(result._unsafeUnwrapErr()).toEqual({ kind: 'timed_out', after: 20 });
  });

  it('gives up on a program that prints without end', async () => {
    const result = await runner.run(['yes'], live());

    expect(result._unsafeUnwrapErr()).toMatchObject({
      kind: 'command_failed',
      exitCode: null,
      stderr: `printed more than ${OUTPUT_LIMIT} bytes`,
    });
  });

  it('has all that was printed by a program that ended just before we were held up', async () => {
    const child = Object.assign(new EventEmitter(), { stdout: new PassThrough(), stderr: new PassThrough() });
    const answer = systemRunner(() => child as unknown as ChildProcess).run(['ip'], live());

    setImmediate(() => {
      child.emit('exit', 0);
      // As the kernel does it: what the pipe holds is read at the first look after that.
      setImmediate(() => child.stdout.write('printed'));
      standStill(500);
    });

    expect((await answer)._unsafeUnwrap()).toEqual({ exitCode: 0, stdout: 'printed', stderr: '' });
  });

  it('does not wait for a child that keeps the output open', async () => {
    const script = "require('child_process').spawn('sleep', ['3'], { stdio: 'inherit' }).unref(); console.log('done')";
    const since = performance.now();

    const finished = (await runner.run(node(script), live()))._unsafeUnwrap();

    expect(finished).toMatchObject({ exitCode: 0, stdout: 'done\n' });
    expect(performance.now() - since).toBeLessThan(2_500);
  });
});

function isGroupAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

/** As a process does that is stopped, or that gets no processor. */
function standStill(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}
