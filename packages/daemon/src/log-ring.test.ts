import { describe, expect, it } from 'vitest';
import { rememberedLog } from './fakes.test-support.js';
import { keptLog, LINES_KEPT, LogRing } from './log-ring.js';

describe('the lines kept of a log', () => {
  it('are numbered, timed, and asked for from one on', () => {
    const ring = new LogRing(() => 7);
    ring.add('info', 'a');
    ring.add('warn', 'b');

    expect(ring.since(null)).toEqual({
      entries: [
        { id: 1, at: 7, level: 'info', text: 'a' },
        { id: 2, at: 7, level: 'warn', text: 'b' },
      ],
      gap: false,
      lastId: 2,
    });
    expect(ring.since(1).entries.map((line) => line.text)).toEqual(['b']);
    expect(ring.since(2)).toEqual({ entries: [], gap: false, lastId: 2 });
  });

  it('are bounded, and tell what has gone', () => {
    const ring = new LogRing();
    for (let i = 1; i <= LINES_KEPT + 5; i += 1) ring.add('info', `line ${i}`);

    expect(ring.since(null).entries).toHaveLength(LINES_KEPT);
    expect(ring.since(4)).toMatchObject({ gap: true, lastId: LINES_KEPT + 5 });
    expect(ring.since(5).gap).toBe(false);
    expect(ring.since(6).gap).toBe(false);
  });

  it('of the run before are a gap', () => {
    const ring = new LogRing();
    ring.add('info', 'a');

    expect(ring.since(500)).toMatchObject({ gap: true, entries: [{ id: 1 }] });
  });

  it('are cut', () => {
    const ring = new LogRing();
    ring.add('info', 'x'.repeat(5_000));

    expect(ring.since(null).entries[0]?.text).toHaveLength(1_001);
  });

  it('are those that are written', () => {
    const written = rememberedLog();
    const ring = new LogRing();
    const log = keptLog(written, ring);

    log.log('debug', 'a');
    log.log('info', 'b');
    log.setLevel('debug');
    log.log('debug', 'c');
    log.setLevel('error');
    log.log('warn', 'd');

    expect(ring.since(null).entries.map((line) => line.text)).toEqual(['b', 'c']);
    expect(written.lines).toEqual(['debug: a', 'info: b', 'debug: c', 'warn: d']);
    expect(written.level).toBe('error');
  });
});
