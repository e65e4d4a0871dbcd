import { sentenceOf } from '@hurricane/core';
import { describe, expect, it, vi } from 'vitest';
import { createLog, type Log, type LogOptions, leadsToJournal } from './log.js';
import { MAX_WAITING, type TextStream } from './log-sink.js';

const AT = new Date(2026, 10, 22, 21, 41, 0, 123);

describe('a line of the log', () => {
  // README "Monitoring Failover"
  it.each([
    [
      { type: 'primary_selected', primary: 'he-primary', score: 95 },
      '[INFO] Selected primary tunnel: he-primary (health: 95)',
    ],
    [
      { type: 'primary_degraded', primary: 'he-primary', score: 25 },
      '[WARN] Primary tunnel he-primary health degraded: 25/100',
    ],
    [
      { type: 'failed_over', from: 'he-primary', to: 'wg-backup', fromScore: 25, toScore: 85, reason: 'degraded' },
      '[INFO] Failing over from he-primary to wg-backup (health: 25 -> 85)',
    ],
  ] as const)("is the seed document's, after the time: %j", (news, line) => {
    const { log, stream } = aLog();
    const { level, text } = sentenceOf(news);

    log.log(level, text, { news: news.type });

    expect(stream.lines).toEqual([`[2026-11-22 21:41:00] ${line}`]);
  });

  it('has a priority and no time in the journal', () => {
    const { log, stream } = aLog({ journal: true, level: 'debug' });

    for (const level of ['error', 'warn', 'info', 'debug'] as const) log.log(level, 'something');

    expect(stream.lines).toEqual([
      '<3>[ERROR] something',
      '<4>[WARN] something',
      '<6>[INFO] something',
      '<7>[DEBUG] something',
    ]);
  });

  it('is an object a line as JSON, with the fields beside the message', () => {
    const { log, stream } = aLog({ format: 'json' });

    log.log('warn', 'Primary tunnel he is "ill"\n', { news: 'primary_degraded', bytes: 2n ** 60n });

    expect(stream.lines).toHaveLength(1);
    expect(JSON.parse(stream.lines[0] ?? '')).toEqual({
      level: 'warn',
      time: AT.toISOString(),
      msg: 'Primary tunnel he is "ill"\n',
      news: 'primary_degraded',
      bytes: 2 ** 60,
    });
  });

  it('stays one line, and says nothing to the terminal, whatever the message', () => {
    const { log, stream } = aLog();

    log.log('error', 'first\nsecond\r\x1b[2J\u2028 %s %d %%');

    expect(stream.lines).toEqual(['[2026-11-22 21:41:00] [ERROR] first\\nsecond\\r\\u001b[2J\\u2028 %s %d %%']);
  });

  it('shows in text what the words leave out', () => {
    const { log, stream } = aLog();
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;

    log.log('warn', 'Cannot watch', { news: 'x', fault: { kind: 'defect', cause: new Error('bo\nom') }, n: 1n, loop });

    expect(stream.lines).toEqual([
      '[2026-11-22 21:41:00] [WARN] Cannot watch fault={"kind":"defect","cause":"bo\\nom"} n="1" loop="(not printable)"',
    ]);
  });

  it.each(['text', 'json'] as const)('has a bound: %s', (format) => {
    const { log, stream } = aLog({ format });

    log.log('info', 'x'.repeat(1_000_000), { long: 'y'.repeat(100) });

    expect(stream.lines[0]?.length).toBeLessThan(10_000);
  });

  it('is left out below the level, which can change', () => {
    const { log, stream } = aLog({ level: 'warn' });

    log.log('info', 'one');
    log.setLevel('debug');
    log.log('debug', 'two');
    log.setLevel('error');
    log.log('warn', 'three');

    expect(stream.lines).toEqual(['[2026-11-22 21:41:00] [DEBUG] two']);
  });
});

describe('a log whose reader', () => {
  it('has gone does not mind', async () => {
    const { log, stream } = aLog();

    stream.fail(new Error('EPIPE'));
    log.log('error', 'nobody hears this');
    await log.flush(10_000);

    expect(stream.lines).toEqual([]);
  });

  it('has stopped drops lines beyond a bound, and says how many once it reads again', () => {
    const { log, stream } = aLog();

    stream.writableLength = MAX_WAITING + 1;
    log.log('info', 'one');
    log.log('info', 'two');
    stream.writableLength = 0;
    log.log('info', 'three');

    expect(stream.lines).toEqual([
      '[2026-11-22 21:41:00] [WARN] 2 lines of this log were not read in time and are lost',
      '[2026-11-22 21:41:00] [INFO] three',
    ]);
  });

  it('has stopped is waited for at the end, for a while', async () => {
    const { log, stream } = aLog();
    stream.writableLength = 1;
    vi.useFakeTimers();

    const flushed = log.flush(500);
    await vi.advanceTimersByTimeAsync(500);
    await flushed;

    vi.useRealTimers();
  });

  it('reads the rest is waited for at the end', async () => {
    const { log, stream } = aLog();
    stream.writableLength = 1;

    const flushed = log.flush(600_000);
    stream.taken();

    await flushed;
  });
});

describe('standard error', () => {
  it.each([
    ['9:1234', true],
    ['9:1235', false],
    ['8:1234', false],
    [undefined, false],
    ['', false],
  ])('with JOURNAL_STREAM %j leads to the journal: %j', (variable, leads) => {
    expect(leadsToJournal(variable, { dev: 9, ino: 1234 })).toBe(leads);
  });
});

interface FakeStream extends TextStream {
  readonly lines: readonly string[];
  writableLength: number;
  fail(error: Error): void;
  /** The reader has taken everything. */
  taken(): void;
}

function fakeStream(): FakeStream {
  const lines: string[] = [];
  let fail: (error: Error) => void = () => undefined;
  let taken: () => void = () => undefined;
  return {
    lines,
    writableLength: 0,
    write: (text, done) => {
      if (text !== '') lines.push(text.replace(/\n$/, ''));
      if (done !== undefined) taken = done;
    },
    on: (_event, listener) => {
      fail = listener;
    },
    fail: (error) => fail(error),
    taken: () => taken(),
  };
}

function aLog(options: Partial<LogOptions> = {}): { log: Log; stream: FakeStream } {
  const stream = fakeStream();
  const log = createLog({ format: 'text', level: 'info', journal: false, now: () => AT, ...options, stream });
  return { log, stream };
}
