import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DriverError } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import { sharedLook } from './shared-look.js';

/** A look whose answers are given by hand: what each was asked for, and how to answer it. */
function byHand() {
  const looks: {
    readonly asked: ReadonlySet<string>;
    readonly signal: AbortSignal;
    answer(result: Result<string, DriverError>): void;
  }[] = [];
  const ask = sharedLook<string, string>(
    (asked, signal) =>
      new ResultAsync(new Promise((answer) => void looks.push({ asked: new Set(asked), signal, answer }))),
  );
  return { looks, ask };
}

const live = (): AbortSignal => new AbortController().signal;
const ABORTED = { kind: 'aborted' };

describe('a shared look', () => {
  it('is one for all who ask at about the same time, and knows all that it is asked for', async () => {
    const { looks, ask } = byHand();

    const first = ask('a', live());
    await Promise.resolve();
    const answers = [first, ask('b', live()), ask('a', live())];
    await expect.poll(() => looks.length).toBe(1);
    looks[0]?.answer(ok('seen'));

    expect((await Promise.all(answers)).map((each) => each._unsafeUnwrap())).toEqual(['seen', 'seen', 'seen']);
    expect(looks.map(({ asked }) => [...asked])).toEqual([['a', 'b']]);
  });

  it('is never older than the question: who comes while it is under way gets the next, after it', async () => {
    const { looks, ask } = byHand();
    const early = ask('a', live());
    await expect.poll(() => looks.length).toBe(1);

    const late = [ask('b', live()), ask('c', live())];
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
    expect(looks, 'one at a time').toHaveLength(1);
    looks[0]?.answer(ok('old'));

    expect((await early)._unsafeUnwrap()).toBe('old');
    await expect.poll(() => looks.length).toBe(2);
    looks[1]?.answer(ok('new'));
    expect((await Promise.all(late)).map((each) => each._unsafeUnwrap())).toEqual(['new', 'new']);
    expect([...(looks[1]?.asked ?? [])]).toEqual(['b', 'c']);
  });

  it('that fails fails for all who asked, and not for the next', async () => {
    const { looks, ask } = byHand();
    const failing = [ask('a', live()), ask('b', live())];
    await expect.poll(() => looks.length).toBe(1);
    looks[0]?.answer(err({ kind: 'timed_out', after: 10 }));
    for (const each of failing) expect((await each)._unsafeUnwrapErr()).toMatchObject({ kind: 'timed_out' });

    const next = ask('a', live());
    await expect.poll(() => looks.length).toBe(2);
    looks[1]?.answer(ok('seen'));

    expect((await next)._unsafeUnwrap()).toBe('seen');
  });

  it('goes on while somebody waits for it, and is called off when nobody does', async () => {
    const { looks, ask } = byHand();
    const [one, other] = [new AbortController(), new AbortController()];
    const asked = [ask('a', one.signal), ask('b', other.signal)];
    await expect.poll(() => looks.length).toBe(1);

    one.abort();
    expect((await asked[0])?._unsafeUnwrapErr()).toEqual(ABORTED);
    expect(looks[0]?.signal.aborted).toBe(false);
    other.abort();
    expect((await asked[1])?._unsafeUnwrapErr()).toEqual(ABORTED);
    expect(looks[0]?.signal.aborted).toBe(true);
  });

  it('is not joined once everybody has left it', async () => {
    const { looks, ask } = byHand();
    const gone = new AbortController();
    const left = ask('a', gone.signal);
    gone.abort();

    const stays = ask('b', live());
    await expect.poll(() => looks.length).toBeGreaterThan(0);
    looks[0]?.answer(err({ kind: 'aborted' }));
    await expect.poll(() => looks.length).toBe(2);
    looks[1]?.answer(ok('seen'));

    expect((await left)._unsafeUnwrapErr()).toEqual(ABORTED);
    expect((await stays)._unsafeUnwrap()).toBe('seen');
    expect([...(looks[1]?.asked ?? [])]).toEqual(['b']);
  });

  it('is not begun for one who has been called off already', async () => {
    const { looks, ask } = byHand();

    expect((await ask('a', AbortSignal.abort()))._unsafeUnwrapErr()).toEqual(ABORTED);

    const next = ask('b', live());
    await expect.poll(() => looks.length).toBe(1);
    expect([...(looks[0]?.asked ?? [])]).toEqual(['b']);
    looks[0]?.answer(ok('seen'));
    await next;
  });
});
