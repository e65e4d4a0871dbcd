import { describe, expect, it, onTestFinished } from 'vitest';
import { systemProcesses } from './process-table.js';

const live = (): AbortSignal => new AbortController().signal;
const processes = systemProcesses();

/** Nothing else on the machine sleeps for exactly that long. */
let seconds = 900_000 + process.pid;
const ofItsOwn = (): string[] => {
  seconds += 1;
  return ['sleep', `${seconds}.5`];
};

async function started(argv: readonly string[]): Promise<number> {
  const { pid } = (await processes.start(argv, live()))._unsafeUnwrap();
  onTestFinished(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // The test has ended it.
    }
  });
  return pid;
}

const foundWith = async (argv: readonly string[]) =>
  (await processes.find('sleep', live()))._unsafeUnwrap().filter((each) => each.argv[1] === argv[1]);

describe('processes that outlive us', () => {
  it('are found by name and arguments, and are gone once ended', async () => {
    const argv = ofItsOwn();
    const pid = await started(argv);
    expect(await foundWith(argv)).toEqual([{ pid, argv, parent: process.pid }]);

    (await processes.end({ pid, argv }, live()))._unsafeUnwrap();

    expect(await foundWith(argv)).toEqual([]);
    expect((await processes.end({ pid, argv }, live())).isOk()).toBe(true);
  });

  it('are left alone when the number belongs to another program', async () => {
    const argv = ofItsOwn();
    const pid = await started(argv);

    (await processes.end({ pid, argv: ['sleep', '1'] }, live()))._unsafeUnwrap();

    expect(await foundWith(argv)).toHaveLength(1);
  });

  it('are ended the hard way when they do not listen', async () => {
    const script = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
    const argv = [process.execPath, '-e', script, '--', ofItsOwn()[1] ?? ''];
    const pid = await started(argv);
    const all = async () => (await processes.find('node', live()))._unsafeUnwrap().filter((each) => each.pid === pid);
    await expect.poll(async () => (await all()).length, { timeout: 5_000 }).toBe(1);
    const [running] = await all();

    (await processes.end(running ?? { pid, argv }, live()))._unsafeUnwrap();

    expect(await all()).toEqual([]);
  });

  it('tell when one could not be started', async () => {
    const result = await processes.start(['hurricane-nosuch'], live());

    expect(result._unsafeUnwrapErr()).toMatchObject({ kind: 'missing_tool', tool: 'hurricane-nosuch' });
  });

  it('tell how one ended', async () => {
    const child = (await processes.start([process.execPath, '-e', 'process.exit(7)'], live()))._unsafeUnwrap();

    expect(await child.ended).toBe(7);
  });

  it('are not started, looked for or ended after an abort', async () => {
    const gone = AbortSignal.abort();
    const argv = ofItsOwn();
    const pid = await started(argv);

    expect((await processes.start(ofItsOwn(), gone))._unsafeUnwrapErr().kind).toBe('aborted');
    expect((await processes.find('sleep', gone))._unsafeUnwrapErr().kind).toBe('aborted');
    expect((await processes.end({ pid, argv }, gone))._unsafeUnwrapErr().kind).toBe('aborted');
  });
});
