import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { watchCrashes } from './crash.js';
import { aborted, watchSignals } from './signals.js';

describe('signals', () => {
  it.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGTERM'],
    ['SIGINT', 'SIGINT'],
  ])('%s asks to stop, a following %s to stop at once, and a third changes nothing', async (first, second) => {
    const source = new EventEmitter();
    const signals = watchSignals(source);

    source.emit(first);
    await aborted(signals.stop);
    expect(signals.stop.reason).toBe(first);
    expect(signals.stopAtOnce.aborted).toBe(false);

    source.emit(second);
    source.emit('SIGTERM');
    await aborted(signals.stopAtOnce);
    expect(signals.stopAtOnce.reason).toBe(second);
  });

  it('asks to reload at each SIGHUP, and once for those that came before anybody listened', () => {
    const source = new EventEmitter();
    const signals = watchSignals(source);
    const reload = vi.fn();

    source.emit('SIGHUP');
    source.emit('SIGHUP');
    signals.onReload(reload);
    expect(reload).toHaveBeenCalledTimes(1);

    source.emit('SIGHUP');
    expect(reload).toHaveBeenCalledTimes(2);
    expect(signals.stop.aborted).toBe(false);
  });

  it('takes SIGPIPE and does nothing', () => {
    const source = new EventEmitter();
    const signals = watchSignals(source);

    expect(source.emit('SIGPIPE')).toBe(true);
    expect(signals.stop.aborted).toBe(false);
  });
});

describe('a defect that nothing catches', () => {
  it.each(['uncaughtException', 'unhandledRejection'])('is told in one line, the first only: %s', (event) => {
    const source = new EventEmitter();
    const report = vi.fn();
    watchCrashes(source, report);

    source.emit(event, new TypeError('x is not\na function'));
    source.emit('uncaughtException', new Error('what came of it'));

    expect(report).toHaveBeenCalledTimes(1);
    expect(report.mock.calls[0]?.[0]).toMatch(
      /^A defect of v6-gatewayd ends it: TypeError: x is not\\na function at .*signals\.test\.ts:\d+/,
    );
  });

  it('may be something that is no error', () => {
    const source = new EventEmitter();
    const report = vi.fn();
    watchCrashes(source, report);

    source.emit('unhandledRejection', undefined);

    expect(report).toHaveBeenCalledWith('A defect of v6-gatewayd ends it: undefined');
  });
});
