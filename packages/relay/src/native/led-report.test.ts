import { describe, expect, it } from 'vitest';
import { SOCKET_ADDRESS_BYTES } from './arena.js';
import { LedReport } from './led-report.js';
import { LED_IN_ONE_MESSAGE, TELL_AFTER } from './native-limits.js';

const CLIENT = new Uint8Array(SOCKET_ADDRESS_BYTES).fill(7);

describe('what became of connections that the loop has led on', () => {
  it('is told at once after a while of silence, and else so long after the last time, all of it together', () => {
    const report = new LedReport();
    expect([report.dueAt, report.take(0)]).toEqual([Number.POSITIVE_INFINITY, null]);

    report.joined(-1);
    expect(report.dueAt).toBe(Number.NEGATIVE_INFINITY);
    expect(report.take(1_000)?.joined).toEqual(Float64Array.of(-1));

    report.joined(-2);
    report.begun(-3, 5, CLIENT, 0);
    report.failed(-3, 'bind', 99);
    report.over(-2, 'reset', 10, 20);
    expect(report.dueAt).toBe(1_000 + TELL_AFTER);
    expect(report.take(1_000 + TELL_AFTER)).toEqual({
      kind: 'led',
      joined: Float64Array.of(-2),
      begun: Float64Array.of(-3, 5),
      clients: CLIENT,
      failed: Float64Array.of(-3, 1, 99),
      over: Float64Array.of(-2, 1, 10, 20),
    });
    expect(report.take(2_000)).toBeNull();
  });

  it.each<[string, (report: LedReport) => void]>([
    ['one that has begun', (report) => report.begun(-1, 1, CLIENT, 0)],
    ['one that was joined', (report) => report.joined(-1)],
    ['one that has failed', (report) => report.failed(-1, 'other', 111)],
    ['one that is over', (report) => report.over(-1, 'finished', 0, 0)],
  ])('is to be told of %s alone', (_what, happens) => {
    const report = new LedReport();
    report.joined(-9);
    report.take(1_000);

    happens(report);

    expect(report.dueAt).toBe(1_000 + TELL_AFTER);
  });

  it('is to be told at once when no more fits in', () => {
    const report = new LedReport();
    for (let i = 0; i < LED_IN_ONE_MESSAGE; i += 1) {
      expect(report.isFull).toBe(false);
      report.begun(-1 - i, 1, CLIENT, 0);
    }

    expect(report.isFull).toBe(true);
    report.take(0);
    expect(report.isFull).toBe(false);
  });
});
