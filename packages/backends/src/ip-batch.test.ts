import { getEventListeners } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BATCH_QUEUE, ipBatch } from './ip-batch.js';
import { type Launch, launchProgram } from './launch.js';
import { FakeHost } from './testing/fake-host.js';

const live = (): AbortSignal => new AbortController().signal;
const SHOW = ['route', 'show', 'table', '254', 'default'];

/** Stands in for `ip -batch -`: `script` sees each line as `line`, its number as `n`, and may `fail()`. */
function coProcess(script: string): { launch: Launch; starts: () => number } {
  let starts = 0;
  const body = [
    "let n = 0; const fail = () => process.stderr.write('no\\nCommand failed -:' + n + '\\n');",
    `const take = (line) => { n += 1; ${script} };`,
    "require('readline').createInterface({ input: process.stdin }).on('line', take);",
  ];
  return {
    launch: (_argv, options) => {
      starts += 1;
      return launchProgram([process.execPath, '-e', body.join('\n')], options);
    },
    starts: () => starts,
  };
}
const honest =
  "if (line === 'hurricane-mark' || line.includes('bad')) fail(); else if (line.includes('show')) console.log('[]');";

function batchOver(script: string) {
  const host = new FakeHost();
  const process = coProcess(script);
  const batch = ipBatch({ runner: host, launch: process.launch });
  onTestFinished(() => batch.close());
  return { host, batch, starts: process.starts };
}

describe('the co-process', () => {
  it('answers each command by its own, in order, without starting anything else', async () => {
    const { host, batch, starts } = batchOver(honest);

    const answers = await Promise.all([
      batch.run([['route', 'good'], ['route', 'bad'], SHOW], live()),
      batch.run([['route', 'bad']], live()),
    ]);

    expect(answers.map((answer) => answer._unsafeUnwrap().map((each) => [each.exitCode, each.stdout]))).toEqual([
      [
        [0, ''],
        [2, ''],
        [0, '[]'],
      ],
      [[2, '']],
    ]);
    expect(answers[0]?._unsafeUnwrap()[1]?.stderr).toBe('no\n');
    expect(host.log).toEqual([]);
    expect(starts()).toBe(1);
  });

  it.each([
    ['dies at a command', 'process.exit(255);'],
    ['never answers', ''],
    ['fails to show', "if (line.includes('show')) process.stdout.write('['); fail();"],
    ['prints without end', "process.stderr.write('x'.repeat(3e6));"],
  ])('is replaced by a plain command when it %s', async (_how, script) => {
    const { host, batch } = batchOver(script);

    const answers = (await batch.run([SHOW], live()))._unsafeUnwrap();

    expect(answers).toEqual([{ exitCode: 0, stdout: '[]\n', stderr: '' }]);
    expect(host.log).toEqual([['ip', '-N', '-j', '-6', ...SHOW]]);
  });

  it('is not started again and again while it keeps dying', async () => {
    const { batch, starts } = batchOver('process.exit(255);');
    const since = performance.now();

    for (let i = 0; i < 5; i += 1) expect((await batch.run([SHOW], live())).isOk()).toBe(true);

    // At once, and then after 100 ms, 200 ms, 400 ms and so on.
    const took = performance.now() - since;
    expect(starts()).toBeLessThanOrEqual(1 + Math.log2(1 + took / 100));
  });

  it('is started again after a death, and asked again', async () => {
    const { batch, starts } = batchOver(`if (line.includes('bad')) process.exit(1); ${honest}`);
    await batch.run([SHOW], live());
    await batch.run([['route', 'bad']], live());

    await expect
      .poll(async () => {
        await batch.run([SHOW], live());
        return starts();
      })
      .toBe(2);
  });

  it('comes back at once when aborted', async () => {
    const { batch } = batchOver('');
    const call = new AbortController();
    const pending = batch.run([SHOW], call.signal);

    call.abort();

    expect((await pending)._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
  });

  it('goes on for the others when one of those it works for is called off', async () => {
    // Slow, so that it is called off in the middle.
    const { host, batch, starts } = batchOver(`setTimeout(() => { ${honest} }, 50);`);
    const [gone, stays] = [new AbortController(), new AbortController()];
    const pending = [batch.run([['route', 'good']], gone.signal), batch.run([SHOW], stays.signal)];
    await expect.poll(starts).toBe(1);

    gone.abort();

    expect((await pending[0])?._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
    expect((await pending[1])?._unsafeUnwrap()).toEqual([{ exitCode: 0, stdout: '[]', stderr: '' }]);
    expect(host.log).toEqual([]);
    expect(getEventListeners(stays.signal, 'abort')).toEqual([]);
  });

  it('is not told what was called off before its turn', async () => {
    const { host, batch } = batchOver(`if (line.includes('bad')) process.exit(1); ${honest}`);
    const call = new AbortController();
    const pending = batch.run([['route', 'bad']], call.signal);
    call.abort();

    expect((await batch.run([SHOW], live())).isOk()).toBe(true);

    expect((await pending)._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
    expect(host.log).toEqual([]);
  });

  it('finishes what it was given before it is closed', async () => {
    const { host, batch } = batchOver(honest);
    const pending = batch.run([SHOW], live());

    await batch.close();

    expect((await pending)._unsafeUnwrap()).toEqual([{ exitCode: 0, stdout: '[]', stderr: '' }]);
    expect(host.log).toEqual([]);
  });

  it('is given all at once what comes at about the same time', async () => {
    const { host, batch } = batchOver("if (line === 'hurricane-mark') fail(); else if (n === 3) console.log('[]');");

    const requests = [[['route', 'a']], [['route', 'b']], [SHOW]].map((commands) => batch.run(commands, live()));

    const answers = (await Promise.all(requests)).map((each) => each._unsafeUnwrap());
    expect(answers.map(([only]) => only?.stdout)).toEqual(['', '', '[]']);
    expect(host.log).toEqual([]);
  });

  it('is never given a word that it could take for syntax', async () => {
    const { host, batch } = batchOver(honest);
    const nasty = ['route', 'show', 'dev', 'a b\nlink del eth0 # "'];

    await batch.run([nasty], live());

    expect(host.log).toEqual([['ip', '-N', '-j', '-6', ...nasty]]);
  });

  it('has a queue that ends: what does not fit goes the slow way', async () => {
    const { host, batch } = batchOver(honest);

    const all = Array.from({ length: BATCH_QUEUE + 3 }, () => batch.run([SHOW], live()));
    for (const answer of await Promise.all(all)) expect(answer.isOk()).toBe(true);

    expect(host.log).toHaveLength(3);
  });
});
