import type { ProbeFinding } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { type ProbeWatch, runProbeWatch } from './probe-watch.js';

const LOST: ProbeFinding = { target: '2001:db8::1', outcome: { kind: 'lost' } };
const STOPPED = { kind: 'interface_missing', iface: 'he0' } as const;

describe('a watch', () => {
  it('passes nothing on once it is over, even before what it began has stopped', async () => {
    const findings: ProbeFinding[] = [];
    const end = new AbortController();
    let watch: ProbeWatch | null = null;
    const result = runProbeWatch(
      (finding) => findings.push(finding),
      end.signal,
      (begun) => {
        watch = begun;
        return async () => begun.report(LOST);
      },
    );

    (watch as ProbeWatch | null)?.report(LOST);
    end.abort();
    (watch as ProbeWatch | null)?.report(LOST);
    await result;

    expect(findings).toEqual([LOST]);
  });

  it('settles only when all that it began has stopped', async () => {
    const end = new AbortController();
    let letGo: () => void = () => {};
    let settled = false;
    const stopped = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const result = runProbeWatch(
      () => {},
      end.signal,
      () => () => stopped,
    ).then(() => {
      settled = true;
    });
    end.abort();
    await new Promise((resolve) => setImmediate(resolve));
    const early = settled;
    letGo();
    await result;

    expect([early, settled]).toEqual([false, true]);
  });

  it('stops what it began when it fails while beginning', async () => {
    let stops = 0;
    const result = await runProbeWatch(
      () => {},
      new AbortController().signal,
      (watch) => {
        watch.fail(STOPPED);
        watch.fail({ kind: 'aborted' });
        return async () => {
          stops += 1;
        };
      },
    );

    expect(result._unsafeUnwrapErr()).toEqual(STOPPED);
    expect(stops).toBe(1);
  });

  it('makes a defect of what its beginning throws', async () => {
    const cause = new Error('begin');
    const begin = (): never => {
      throw cause;
    };

    const result = await runProbeWatch(() => {}, new AbortController().signal, begin);

    expect(result._unsafeUnwrapErr()).toEqual({ kind: 'defect', cause });
  });
});
