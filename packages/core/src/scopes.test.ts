import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import { guard, Scopes } from './scopes.js';
import { abortOf, settled } from './testing/index.js';

describe('a scope', () => {
  it('runs one at a time, however late the one before answers its abort', async () => {
    const scopes = new Scopes();
    const log: string[] = [];
    const first = gate();
    void scopes.serial('a', () => {
      log.push('first begins');
      return new ResultAsync(first.opened.then(() => ok(log.push('first ends'))));
    });
    await settled();
    void scopes.serial('a', () => new ResultAsync(Promise.resolve(ok(log.push('second begins')))));
    await settled();
    expect(log).toEqual(['first begins']);

    first.open();
    await settled();
    expect(log).toEqual(['first begins', 'first ends', 'second begins']);
  });

  it('calls off what it has under way when something new begins', async () => {
    const scopes = new Scopes();
    const first = scopes.serial('a', (signal) => new ResultAsync(abortOf(signal).then(() => err('stopped'))));
    await settled();

    const second = scopes.serial('a', () => new ResultAsync(Promise.resolve(ok('done'))));

    expect(await first).toEqual(err('stopped'));
    expect(await second).toEqual(ok('done'));
  });

  it('never begins what was called off before its turn', async () => {
    const scopes = new Scopes();
    let begun = 0;
    const first = gate();
    void scopes.serial('a', () => new ResultAsync(first.opened.then(() => ok(1))));
    await settled();
    const second = scopes.serial('a', () => {
      begun += 1;
      return new ResultAsync(Promise.resolve(ok(2)));
    });
    void scopes.serial('a', () => new ResultAsync(Promise.resolve(ok(3))));

    first.open();

    expect(await second).toEqual(err({ kind: 'aborted' }));
    expect(begun).toBe(0);
  });

  it('does not wait for others', async () => {
    const scopes = new Scopes();
    void scopes.serial('a', () => new ResultAsync(new Promise<Result<void, never>>(() => undefined)));

    expect(await scopes.serial('b', () => new ResultAsync(Promise.resolve(ok(2))))).toEqual(ok(2));
  });

  it('aborts everything when told so', async () => {
    const scopes = new Scopes();
    const signals = [scopes.begin('a'), scopes.begin('b')];

    scopes.abortAll();

    expect(signals.map((s) => s.aborted)).toEqual([true, true]);
  });
});

describe('foreign code', () => {
  it('that throws becomes a defect', async () => {
    const cause = new Error('boom');

    expect(
      await guard(() => {
        throw cause;
      }),
    ).toEqual(err({ kind: 'defect', cause }));
  });

  it('that rejects becomes a defect', async () => {
    const rejecting = (): ResultAsync<never, never> => new ResultAsync(Promise.reject(new Error('boom')));

    expect((await guard(rejecting))._unsafeUnwrapErr()).toMatchObject({ kind: 'defect' });
  });

  it('that errs keeps its own error', async () => {
    expect(await guard(() => new ResultAsync(Promise.resolve(err('mine'))))).toEqual(err('mine'));
  });
});

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
