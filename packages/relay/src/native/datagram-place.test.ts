import { describe, expect, it } from 'vitest';
import { UDP_WAITING_AT_MOST } from '../limits.js';
import { ARENA_BYTES, INWARD_AT } from './arena.js';
import { Batch, HEADER_BYTES } from './batch.js';
import { type Newcomer, Place } from './datagram-place.js';
import { Session } from './datagram-session.js';
import { DATAGRAMS_AT_ONCE, NEWCOMERS_AT_MOST, NEWCOMERS_BYTES_AT_MOST } from './native-limits.js';
import { EAGAIN, MSG_TRUNC, type Sys } from './sys.js';

/** A datagram on its way to a place. */
interface Coming {
  readonly from: number;
  readonly length?: number;
  readonly isCut?: boolean;
}

/** A place to which a test sends, and what has become of it. */
function aPlace() {
  const memory = new Uint8Array(ARENA_BYTES);
  const view = new DataView(memory.buffer);
  const coming: Coming[] = [];
  const sent: number[] = [];
  const calls: Pick<Sys, 'memory' | 'addressOf' | 'recvmmsg' | 'sendmmsg' | 'send'> = {
    memory,
    addressOf: (at) => BigInt(at),
    recvmmsg: (_, at, count) => {
      const now = coming.splice(0, count);
      for (const [i, { from, length = 10, isCut = false }] of now.entries()) {
        const header = at + i * HEADER_BYTES;
        view.setUint32(header + 8, 16, true);
        view.setUint32(header + 48, isCut ? MSG_TRUNC : 0, true);
        view.setUint32(header + 56, length, true);
        view.setUint32(Number(view.getBigUint64(header, true)) + 4, from, true);
      }
      return now.length === 0 ? -EAGAIN : now.length;
    },
    sendmmsg: (fd, _, count) => {
      for (let i = 0; i < count; i += 1) sent.push(fd);
      return count;
    },
    send: (fd, _, length) => {
      sent.push(fd);
      return length;
    },
  };
  const arrived: Newcomer[] = [];
  const place = new Place(
    1,
    3,
    { idle: 1_000, peers: 10 },
    {
      inward: new Batch(calls as Sys, INWARD_AT, 'received'),
      lossy: () => {},
      arrived: (of, peer, name, first) => {
        const newcomer = { id: arrived.length, place: of, peer, name, waiting: [first] };
        arrived.push(newcomer);
        return newcomer;
      },
    },
  );
  const take = (...all: readonly Coming[]): void => {
    coming.push(...all);
    while (coming.length > 0) place.ready();
  };
  const admit = (newcomer: Newcomer, fd: number): void =>
    place.admitted(newcomer, new Session(newcomer.id, fd, newcomer, { now: 0, replies: () => {} }));
  return { place, arrived, coming, sent, take, admit };
}

const from = (count: number, each: (i: number) => Coming): readonly Coming[] =>
  Array.from({ length: count }, (_, i) => each(i));

describe('what a place keeps for peers without a session', () => {
  it('is bounded in peers', () => {
    const { place, arrived, take } = aPlace();

    take(...from(NEWCOMERS_AT_MOST + 5, (i) => ({ from: i })));

    expect(arrived).toHaveLength(NEWCOMERS_AT_MOST);
    expect(place.takeLost()).toBe(5);
    expect(place.takeLost()).toBe(0);
  });

  it('is bounded in datagrams of one peer, all of which go on in order once it is admitted', () => {
    const { place, arrived, sent, take, admit } = aPlace();

    take(...from(UDP_WAITING_AT_MOST + 5, (i) => ({ from: 7, length: i })));
    const [newcomer] = arrived;
    if (newcomer !== undefined) admit(newcomer, 9);

    expect(arrived).toHaveLength(1);
    expect(newcomer?.waiting.map(({ length }) => length)).toEqual([...Array(UDP_WAITING_AT_MOST).keys()]);
    expect(sent).toEqual(newcomer?.waiting.map(() => 9));
    expect(place.takeLost()).toBe(5);
  });

  it('is bounded in bytes of all, which are free again after each answer', () => {
    const { place, arrived, take } = aPlace();
    const length = 65_000;
    const fit = Math.floor(NEWCOMERS_BYTES_AT_MOST / length);

    take(...from(fit + 1, (i) => ({ from: i, length })));
    expect([arrived.length, place.takeLost()]).toEqual([fit, 1]);

    const [first, second] = arrived;
    if (first !== undefined) expect(place.refused(first)).toBe(false);
    if (second !== undefined) place.forget(second);
    take(...from(3, (i) => ({ from: 1_000 + i, length })));
    expect([arrived.length, place.takeLost()]).toEqual([fit + 2, 1]);
  });
});

describe('what a place takes at once', () => {
  it('goes to each peer’s own socket, and nothing that has been cut goes anywhere', () => {
    const { place, arrived, sent, take, admit } = aPlace();
    take({ from: 1 }, { from: 2 });
    for (const [i, newcomer] of arrived.entries()) admit(newcomer, 10 + i);
    sent.splice(0);

    take({ from: 1 }, { from: 1 }, { from: 2 }, { from: 1, isCut: true }, { from: 1 }, { from: 2, isCut: true });

    expect(sent).toEqual([10, 10, 11, 10]);
    expect(place.takeLost()).toBe(2);
    expect(arrived).toHaveLength(2);
  });

  it('is one batch, before others have their turn', () => {
    const { place, arrived, coming, sent, take, admit } = aPlace();
    take({ from: 1 });
    const [newcomer] = arrived;
    if (newcomer !== undefined) admit(newcomer, 10);
    sent.splice(0);
    coming.push(...from(3 * DATAGRAMS_AT_ONCE, () => ({ from: 1 })));

    place.ready();
    expect(sent).toHaveLength(DATAGRAMS_AT_ONCE);
    place.ready();
    expect(sent).toHaveLength(2 * DATAGRAMS_AT_ONCE);
  });
});
