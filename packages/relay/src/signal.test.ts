import { describe, expect, test } from 'vitest';
import { CallOff, type Signal } from './signal.js';

/** What both have to do: ours, and the one that it stands for. */
const SOURCES: readonly (readonly [name: string, make: () => { signal: Signal; abort(reason?: unknown): void }])[] = [
  ['CallOff', () => new CallOff()],
  ['AbortController', () => new AbortController()],
];

describe.each(SOURCES)('%s', (_, make) => {
  test('tells everybody who listens, once, in their order, before abort returns', () => {
    const source = make();
    const told: string[] = [];
    source.signal.addEventListener('abort', () => told.push('first'));
    source.signal.addEventListener('abort', () => told.push('second'), { once: true });
    expect([source.signal.aborted, source.signal.reason]).toEqual([false, undefined]);

    source.abort('a reason');
    source.abort('another');

    expect(told).toEqual(['first', 'second']);
    expect([source.signal.aborted, source.signal.reason]).toEqual([true, 'a reason']);
  });

  test('is aborted by the time it tells so', () => {
    const source = make();
    let seen: unknown = null;
    source.signal.addEventListener('abort', () => {
      seen = source.signal.aborted;
    });
    source.abort();

    expect(seen).toBe(true);
  });

  test('tells nobody who has been taken off the list, even by one who was told', () => {
    const source = make();
    const told: string[] = [];
    const last = (): void => void told.push('last');
    const gone = (): void => void told.push('gone');
    source.signal.addEventListener('abort', gone);
    source.signal.addEventListener('abort', () => source.signal.removeEventListener('abort', last));
    source.signal.addEventListener('abort', last);
    source.signal.removeEventListener('abort', gone);
    source.abort();

    expect(told).toEqual([]);
  });

  test('tells one who listens twice once, and one who comes too late not at all', () => {
    const source = make();
    const told: string[] = [];
    const twice = (): void => void told.push('twice');
    source.signal.addEventListener('abort', twice);
    source.signal.addEventListener('abort', twice);
    source.signal.addEventListener('abort', () => source.signal.addEventListener('abort', () => told.push('late')));
    source.abort();
    source.signal.addEventListener('abort', () => told.push('later'));

    expect(told).toEqual(['twice']);
  });
});
