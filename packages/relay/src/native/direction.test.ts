import { describe, expect, it } from 'vitest';
import { COPY_BYTES } from './arena.js';
import { Direction, type DirectionHome } from './direction.js';
import { EAGAIN } from './sys.js';
import type { Wire } from './wire.js';

/** A direction between two sockets that are none: what its reads bring is said, and whatever it sends is taken. */
function between(): { readonly direction: Direction; comes(...reads: number[]): void; spliced(): number } {
  const [from, to] = [{ fd: 3 }, { fd: 4 }];
  let reads: number[] = [];
  let spliced = 0;
  const sys = {
    recv: () => reads.shift() ?? -EAGAIN,
    send: (_fd: number, _at: number, length: number) => length,
    splice: () => {
      spliced += 1;
      return -EAGAIN;
    },
  };
  const loop = {
    descriptors: { sys, arena: {} },
    pipes: { take: () => ({ out: 5, into: 6 }), giveBack: () => {} },
    again: () => {},
  };
  const home = { loop, isOver: false, isHalfShut: false, moved: () => {}, failed: () => {}, finished: () => {} };
  const direction = new Direction(from as Wire, to as Wire, home as unknown as DirectionHome);
  return {
    direction,
    spliced: () => spliced,
    comes: (...lengths) => {
      reads = lengths;
      direction.pump(false);
    },
  };
}

describe('a direction', () => {
  it('splices where much comes at a time, however little the last read of each time brings', () => {
    const { comes, spliced } = between();

    for (let i = 0; i < 6; i += 1) comes(COPY_BYTES, 29_696);

    expect(spliced()).toBeGreaterThan(0);
  });

  it('copies messages that do not fill its buffer', () => {
    const { comes, spliced } = between();

    for (let i = 0; i < 20; i += 1) comes(COPY_BYTES - 1);

    expect(spliced()).toBe(0);
  });

  it('copies what fills its buffer now and then', () => {
    const { comes, spliced } = between();

    for (let i = 0; i < 20; i += 1) {
      comes(COPY_BYTES, 1);
      comes(200);
    }

    expect(spliced()).toBe(0);
  });
});
