import { describe, expect, it } from 'vitest';
import type { News } from './news.js';
import { NEWS_KEPT, type NewsEntry, NewsLog } from './news-log.js';

const WOKE: News = { type: 'woke', gap: 5_000 };

describe('the news that is kept', () => {
  it('is numbered from 1, dated, and has its sentence', () => {
    const log = new NewsLog();
    log.append({ type: 'started', tunnels: 2 }, 1_700_000_000_123);
    log.append({ type: 'primary_lost', primary: 'he' }, 1_700_000_000_456);

    expect(log.since(null)).toEqual({
      entries: [
        {
          id: 1,
          at: 1_700_000_000_123,
          level: 'info',
          text: 'Gateway started with 2 tunnels',
          news: { type: 'started', tunnels: 2 },
        },
        expect.objectContaining({ id: 2, level: 'error' }),
      ],
      gap: false,
      lastId: 2,
    });
  });

  it.each<[number | null, number[], boolean]>([
    [null, [1, 2, 3], false],
    [0, [1, 2, 3], false],
    [1, [2, 3], false],
    [3, [], false],
    // From elsewhere, such as an earlier run: everything, and a gap.
    [4, [1, 2, 3], true],
    [-1, [1, 2, 3], true],
    [Number.NaN, [1, 2, 3], true],
    [Number.POSITIVE_INFINITY, [1, 2, 3], true],
  ])('after id %s is %j, with a gap: %s', (id, ids, gap) => {
    const slice = filled(3).since(id);

    expect(slice.entries.map((entry) => entry.id)).toEqual(ids);
    expect(slice).toMatchObject({ gap, lastId: 3 });
  });

  it('is nothing before anything has happened', () => {
    expect(new NewsLog().since(null)).toEqual({ entries: [], gap: false, lastId: 0 });
    expect(new NewsLog().since(0)).toEqual({ entries: [], gap: false, lastId: 0 });
    expect(new NewsLog().since(7)).toEqual({ entries: [], gap: true, lastId: 0 });
  });

  it.each<[number | null, number, boolean]>([
    [null, 6, false],
    [0, 6, true],
    [4, 6, true],
    // Entry 6 is the oldest that is kept, so whoever has 5 has missed nothing.
    [5, 6, false],
    [6, 7, false],
    [1_004, 1_005, false],
  ])('overwrites the oldest: after id %s comes %s, with a gap: %s', (id, first, gap) => {
    const slice = filled(NEWS_KEPT + 5).since(id);

    expect(slice.entries[0]?.id).toBe(first);
    expect(slice.entries.at(-1)?.id).toBe(1_005);
    expect(slice.entries.map((entry) => entry.id)).toEqual(
      Array.from({ length: 1_005 - first + 1 }, (_, i) => first + i),
    );
    expect(slice.gap).toBe(gap);
  });

  it('reaches a subscriber before anything else happens, until it has enough', () => {
    const log = new NewsLog();
    const heard: number[] = [];
    const off = log.subscribe(({ id }) => heard.push(id));

    log.append(WOKE, 0);
    expect(heard).toEqual([1]);
    off();
    off();
    log.append(WOKE, 0);

    expect(heard).toEqual([1]);
  });

  it('reaches everybody although one throws, and that is thrown on', () => {
    const log = new NewsLog();
    const heard: number[] = [];
    log.subscribe(() => {
      throw new Error('mine');
    });
    log.subscribe(({ id }) => heard.push(id));

    expect(() => log.append(WOKE, 0)).toThrow('mine');

    expect(heard).toEqual([1]);
    expect(log.since(null).lastId).toBe(1);
  });

  it('reaches one function that subscribed twice twice, and once after it let go once', () => {
    const log = new NewsLog();
    const heard: number[] = [];
    const listener = ({ id }: NewsEntry): void => void heard.push(id);
    const off = log.subscribe(listener);
    log.subscribe(listener);

    log.append(WOKE, 0);
    off();
    log.append(WOKE, 0);

    expect(heard).toEqual([1, 1, 2]);
  });
});

function filled(count: number): NewsLog {
  const log = new NewsLog();
  for (let i = 0; i < count; i += 1) log.append(WOKE, i);
  return log;
}
