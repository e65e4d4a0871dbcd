import { describe, expect, test } from 'vitest';
import { STREAM_BUFFER_BYTES, STREAM_BUFFERS_AT_MOST } from './limits.js';
import { Buffers, Intake } from './stream-intake.js';

interface Taken {
  readonly bytes: Uint8Array;
  readonly isLent: boolean;
}

/** An intake, and what a socket would do with it. */
function aReader(buffers = new Buffers()): { readonly intake: Intake; readonly taken: Taken[]; read: Read } {
  const intake = new Intake(buffers);
  const taken: Taken[] = [];
  intake.flowsTo((bytes, isLent) => taken.push({ bytes, isLent }));
  let buffer = next(intake);
  const read: Read = (count, fill) => {
    const into = buffer.fill(fill, 0, count ?? buffer.length);
    intake.options.callback(count ?? buffer.length, into);
    buffer = next(intake);
    return buffer.length;
  };
  return { intake, taken, read };
}

/** Reads so much, or all there is room for. Answers with how much the next read may bring. */
type Read = (count: number | null, fill: number) => number;

function next({ options: { buffer } }: Intake): Uint8Array {
  return typeof buffer === 'function' ? buffer() : buffer;
}

describe('an intake', () => {
  test('copies what is read into the buffer that all share', () => {
    const [one, other] = [aReader(), aReader()];
    one.read(3, 1);
    other.read(3, 2);

    expect(one.taken).toEqual([{ bytes: Buffer.from([1, 1, 1]), isLent: false }]);
    expect(other.taken).toEqual([{ bytes: Buffer.from([2, 2, 2]), isLent: false }]);
  });

  test('has a buffer of its own once that has been filled, and lends what comes there', () => {
    const { taken, read } = aReader();
    expect(read(null, 1)).toBe(STREAM_BUFFER_BYTES);
    read(null, 2);
    read(100, 3);

    expect(taken.map(({ bytes, isLent }) => [bytes.length, bytes[0], isLent])).toEqual([
      [65_536, 1, false],
      // The next read has changed it: that is what lending means.
      [STREAM_BUFFER_BYTES, 3, true],
      [100, 3, false],
    ]);
  });

  test('gives it back when little comes, and when it is closed', () => {
    const buffers = new Buffers();
    const [quiet, closed] = [aReader(buffers), aReader(buffers)];
    for (const reader of [quiet, closed]) reader.read(null, 1);
    for (let i = 0; i < 8; i += 1) quiet.read(10, 1);
    closed.intake.close(true);
    const rest = Array.from({ length: STREAM_BUFFERS_AT_MOST }, () => aReader(buffers).read(null, 1));

    expect(quiet.read(10, 1)).toBe(65_536);
    expect(new Set(rest)).toEqual(new Set([STREAM_BUFFER_BYTES]));
  });

  test('does without where so many are lent', () => {
    const buffers = new Buffers();
    for (let i = 0; i < STREAM_BUFFERS_AT_MOST; i += 1) aReader(buffers).read(null, 1);

    expect(aReader(buffers).read(null, 1)).toBe(65_536);
  });

  test('never lends again what was lent to one that closed while it waited', () => {
    const buffers = new Buffers();
    const one = aReader(buffers);
    one.read(null, 1);
    one.read(null, 7);
    one.intake.close(false);
    const other = aReader(buffers);
    other.read(null, 1);
    other.read(null, 2);

    expect(one.taken[1]?.bytes[0]).toBe(7);
  });
});
