import { describe, expect, it } from 'vitest';
import { parseCounters, procCounters } from './counters.js';

const TABLE = [
  'Inter-|   Receive                        |  Transmit',
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls',
  '    lo:  136096    1210    0    0    0     0   0   0   136097    1210    0    0    0     0   0   0',
  '  he0:18446744073709551615 1 0 0 0 0 0 0 9007199254740993 2 0 0 0 0 0 0',
  'eth0:1:       0       0    0    0    0     0   0   0       42       0    0    0    0     0   0   0',
  '',
].join('\n');

describe('byte counters', () => {
  it('are read to the last byte, for every interface', () => {
    expect([...parseCounters(TABLE)]).toEqual([
      ['lo', { rx: 136096n, tx: 136097n }],
      ['he0', { rx: 18446744073709551615n, tx: 9007199254740993n }],
      ['eth0:1', { rx: 0n, tx: 42n }],
    ]);
  });

  it('come from this host', async () => {
    const counters = (await procCounters().read(new AbortController().signal))._unsafeUnwrap();

    expect(counters.has('lo')).toBe(true);
  });

  it('are an error, not a rejection, where they cannot be read', async () => {
    const result = await procCounters('/nonexistent').read(new AbortController().signal);

    expect(result._unsafeUnwrapErr().kind).toBe('defect');
    expect((await procCounters().read(AbortSignal.abort()))._unsafeUnwrapErr().kind).toBe('aborted');
  });
});
