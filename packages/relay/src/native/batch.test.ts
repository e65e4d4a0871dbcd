import { describe, expect, it } from 'vitest';
import { writeDatagram } from '../socks5/codec-write.js';
import { ARENA_BYTES, EXCHANGE_AT, INWARD_AT, OUTWARD_AT } from './arena.js';
import { BATCH_BYTES, Batch, HEADER_BYTES, LONGEST_DATAGRAM } from './batch.js';
import { DATAGRAMS_AT_ONCE } from './native-limits.js';
import { socketAddressOf } from './socket-address.js';
import { EAGAIN, EINTR, EPERM, MSG_TRUNC, type Sys } from './sys.js';

const ECONNREFUSED = 111;

/** Where the arena of these tests is said to be. */
const BASE = 0x7f00_0000_0000n;

/** `recvmmsg(2)` and `sendmmsg(2)` as a test has them; of all other calls there are none. */
interface Calls {
  readonly recvmmsg?: (view: DataView, at: number, count: number) => number;
  readonly sendmmsg?: (at: number, count: number) => number;
  readonly recvfrom?: (view: DataView, at: number, nameAt: number, lengthAt: number) => number;
  readonly sendto?: (at: number, length: number, nameAt: number, nameLength: number) => number;
}

function sysOf({ recvmmsg, sendmmsg, recvfrom, sendto }: Calls = {}): Sys {
  const memory = new Uint8Array(ARENA_BYTES);
  const view = new DataView(memory.buffer);
  const calls: Pick<Sys, 'memory' | 'addressOf' | 'recvmmsg' | 'sendmmsg' | 'recvfrom' | 'sendto'> = {
    memory,
    addressOf: (at, length) => {
      if (at < 0 || at + length > memory.length) throw new RangeError('outside');
      return BASE + BigInt(at);
    },
    recvmmsg: (_, at, count) => recvmmsg?.(view, at, count) ?? -EAGAIN,
    sendmmsg: (_, at, count) => sendmmsg?.(at, count) ?? -EAGAIN,
    recvfrom: (_, at, __, nameAt, lengthAt) => recvfrom?.(view, at, nameAt, lengthAt) ?? -EAGAIN,
    sendto: (_, at, length, nameAt, nameLength) => sendto?.(at, length, nameAt, nameLength) ?? -EAGAIN,
  };
  return calls as Sys;
}

/** What the kernel would read of a header: where the name and the datagram are, and how much room they have. */
function headerAt({ memory }: Sys, at: number) {
  const view = new DataView(memory.buffer);
  const place = (where: number): number => Number(view.getBigUint64(where, true) - BASE);
  const vector = place(at + 16);
  return {
    name: view.getBigUint64(at, true) === 0n ? null : place(at),
    nameLength: view.getUint32(at + 8, true),
    vectors: view.getBigUint64(at + 24, true),
    control: view.getBigUint64(at + 32, true) + view.getBigUint64(at + 40, true),
    at: place(vector),
    length: Number(view.getBigUint64(vector + 8, true)),
  };
}

/** The same but for one byte. */
function changed(bytes: Uint8Array, at: number, to: number): Uint8Array {
  const made = Uint8Array.from(bytes);
  made[at] = to;
  return made;
}

describe('a batch of datagrams', () => {
  it('names to the kernel no place twice and none outside of its own part of the arena', () => {
    const sys = sysOf();
    for (const [begin, named] of [
      [INWARD_AT, 'received'],
      [OUTWARD_AT, 'sent'],
      [EXCHANGE_AT, 'both'],
    ] as const) {
      new Batch(sys, begin, named);

      const received = Array.from({ length: DATAGRAMS_AT_ONCE }, (_, i) => headerAt(sys, begin + i * HEADER_BYTES));
      const after = begin + DATAGRAMS_AT_ONCE * HEADER_BYTES;
      const sent = received.map((_, i) => headerAt(sys, after + i * HEADER_BYTES));
      expect(sent.map(({ at }) => at)).toEqual(received.map(({ at }) => at));
      const places = received.map(({ at }) => [at, at + LONGEST_DATAGRAM] as const);
      for (const { name, vectors, control } of [...received, ...sent]) {
        expect([vectors, control]).toEqual([1n, 0n]);
        if (name !== null && !places.some(([at]) => at === name)) places.push([name, name + 28]);
      }
      places.sort(([a], [b]) => a - b);
      expect(places).toHaveLength(2 * DATAGRAMS_AT_ONCE);
      expect(places.every(([from], i) => i === 0 || from >= (places[i - 1]?.[1] ?? 0))).toBe(true);
      expect(places.at(0)?.[0]).toBeGreaterThanOrEqual(after);
      expect(places.at(-1)?.[1]).toBeLessThanOrEqual(begin + BATCH_BYTES);
      expect(received.every(({ length }) => length === LONGEST_DATAGRAM)).toBe(true);
      expect([received, sent].map(([first]) => first?.name !== null)).toEqual([named !== 'sent', named !== 'received']);
    }
    expect(EXCHANGE_AT + BATCH_BYTES).toBeLessThanOrEqual(ARENA_BYTES);
  });

  it('offers the room for an address anew after each datagram, and sends as many bytes as came', () => {
    const rooms: number[] = [];
    const sys = sysOf({
      recvmmsg: (view, at) => {
        rooms.push(view.getUint32(at + 8, true), view.getUint32(at + HEADER_BYTES + 8, true));
        // An IPv4 address each (ip(7)), of which the last byte tells them apart; the second has been cut.
        for (const i of [0, 1]) {
          const header = at + i * HEADER_BYTES;
          view.setUint32(header + 8, 16, true);
          view.setUint32(header + 48, i * MSG_TRUNC, true);
          view.setUint32(header + 56, 300 + i, true);
          view.setUint8(Number(view.getBigUint64(header, true) - BASE) + 7, i + 1);
        }
        return 2;
      },
    });
    const batch = new Batch(sys, INWARD_AT, 'received');

    batch.receive(3, 0);
    const [first, second] = [batch.peerOf(0), batch.peerOf(1)];
    batch.receive(3, 0);

    expect(rooms).toEqual([28, 28, 28, 28]);
    expect([first?.length, first === second, first === batch.peerOf(0)]).toEqual([14, false, true]);
    expect(batch.nameOf(1)).toHaveLength(16);
    expect([batch.isCut(0), batch.isCut(1)]).toEqual([false, true]);
    const sent = headerAt(sys, INWARD_AT + (DATAGRAMS_AT_ONCE + 1) * HEADER_BYTES);
    expect([batch.lengthOf(1), sent.length, batch.bytesOf(1).length]).toEqual([301, 301, 301]);
  });

  it.each<readonly [string, readonly number[], lost: number, calls: readonly number[]]>([
    ['all go', [5], 0, [0]],
    ['some go, then the others', [2, 3], 0, [0, 2]],
    ['the call is interrupted', [-EINTR, 5], 0, [0, 0]],
    ['there is no room for what is left', [2, -EAGAIN], 3, [0, 2]],
    ['an earlier one was refused', [-ECONNREFUSED, 5], 1, [0, 0]],
    ['the third may not go', [2, -EPERM, -EPERM, 2], 1, [0, 2, 2, 3]],
    ['none may go', Array.from({ length: 10 }, () => -EPERM), 5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]],
  ])('counts what is lost when %s', (_, answers, lost, calls) => {
    const script = [...answers];
    const made: number[] = [];
    const headers = OUTWARD_AT + DATAGRAMS_AT_ONCE * HEADER_BYTES;
    const sys = sysOf({
      sendmmsg: (at, count) => {
        const from = (at - headers) / HEADER_BYTES;
        expect(from + count).toBe(5);
        made.push(from);
        return script.shift() ?? -EAGAIN;
      },
    });

    expect(new Batch(sys, OUTWARD_AT, 'sent').send(3, 0, 5)).toBe(lost);
    expect(made).toEqual(calls);
    expect(script).toEqual([]);
  });

  it('sends to an address that is as long as it is', () => {
    const sys = sysOf();
    const batch = new Batch(sys, OUTWARD_AT, 'sent');
    const header = OUTWARD_AT + DATAGRAMS_AT_ONCE * HEADER_BYTES;

    batch.address(
      0,
      Uint8Array.from({ length: 16 }, (_, i) => i),
    );

    const { name, nameLength } = headerAt(sys, header);
    expect(nameLength).toBe(16);
    expect([...sys.memory.subarray(name ?? 0, (name ?? 0) + 16)]).toEqual([...Array(16).keys()]);
  });

  it.each(['192.0.2.7', '2001:db8::7'])('says in front of a datagram from %s whom it came from', (address) => {
    const from = { address, port: 40_000 };
    const sys = sysOf({
      recvmmsg: (view, at) => {
        const name = socketAddressOf(from) ?? new Uint8Array();
        for (const [k, byte] of name.entries()) view.setUint8(Number(view.getBigUint64(at, true) - BASE) + k, byte);
        view.setUint32(at + 8, name.length, true);
        view.setUint32(at + 56, 3, true);
        return 1;
      },
    });
    const batch = new Batch(sys, EXCHANGE_AT, 'both');
    batch.receive(3, 0);
    const { at: body } = headerAt(sys, EXCHANGE_AT);
    sys.memory.set([1, 2, 3], body);

    batch.head(0);

    const { at, length } = headerAt(sys, EXCHANGE_AT + DATAGRAMS_AT_ONCE * HEADER_BYTES);
    expect(sys.memory.slice(at, at + length)).toEqual(writeDatagram(from, Uint8Array.of(1, 2, 3)));
    expect(at + length).toBe(body + 3);
  });

  it('knows by the beginning of a datagram where it goes, and sends what is behind that', () => {
    const sys = sysOf();
    const batch = new Batch(sys, EXCHANGE_AT, 'both');
    const headers = ['192.0.2.7', '2001:db8::7'].map((address) =>
      writeDatagram({ address, port: 9 }, new Uint8Array()),
    );

    for (const header of headers) {
      for (const [length] of header.entries()) {
        batch.put(0, header.subarray(0, length));
        expect([batch.headerOf(0), batch.beginsWith(0, header)]).toEqual([0, false]);
      }
      for (const [i, wrong] of [
        changed(header, 0, 1),
        changed(header, 1, 1),
        changed(header, 2, 1),
        changed(header, 3, 3),
      ].entries()) {
        batch.put(i, wrong);
        expect(batch.headerOf(i)).toBe(0);
      }
      batch.put(0, Uint8Array.of(...header, 5));
      expect([batch.headerOf(0), batch.beginsWith(0, header)]).toEqual([header.length, true]);
      expect(batch.textOf(0, header.length)).toBe(Buffer.from(header).toString('latin1'));
      batch.frame(0, header.length);
      const { at, length } = headerAt(sys, EXCHANGE_AT + DATAGRAMS_AT_ONCE * HEADER_BYTES);
      expect([length, sys.memory[at], batch.lengthOf(0)]).toEqual([1, 5, 1]);
    }
    expect(() => batch.frame(0, 2)).toThrow(/a frame/);
    expect(() => batch.frame(0, -40)).toThrow(/a frame/);
    const bare = new Batch(sys, INWARD_AT, 'received');
    bare.put(0, new Uint8Array(1));
    expect(() => bare.frame(0, -1)).toThrow(/a frame/);
  });

  it('receives one by itself with its address, and sends it with another behind its header', () => {
    const [from, to] = [
      socketAddressOf({ address: '192.0.2.7', port: 9 }),
      socketAddressOf({ address: '::1', port: 7 }),
    ];
    const header = writeDatagram({ address: '::1', port: 7 }, new Uint8Array());
    const rooms: number[] = [];
    const sent: Uint8Array[] = [];
    const sys = sysOf({
      recvfrom: (view, at, nameAt, lengthAt) => {
        rooms.push(view.getUint32(lengthAt, true));
        const memory = new Uint8Array(view.buffer);
        memory.set(from ?? [], nameAt);
        memory.set([...header, 42], at);
        view.setUint32(lengthAt, 16, true);
        return header.length + 1;
      },
      sendto: (at, length, nameAt, nameLength) => {
        sent.push(sys.memory.slice(at, at + length), sys.memory.slice(nameAt, nameAt + nameLength));
        return length;
      },
    });
    const batch = new Batch(sys, EXCHANGE_AT, 'both');

    for (let i = 0; i < 2; i += 1) {
      expect(batch.receiveOne(3, 0)).toBe(1);
      expect([batch.isFrom(0, from ?? header), batch.isFrom(0, to ?? header), batch.isCut(0)]).toEqual([
        true,
        false,
        false,
      ]);
      batch.frame(0, batch.headerOf(0));
      batch.address(0, to ?? header);
      expect(batch.send(4, 0, 1)).toBe(0);
    }

    expect(rooms).toEqual([28, 28]);
    expect(sent).toEqual([Uint8Array.of(42), to, Uint8Array.of(42), to]);
    batch.receive(3, 0);
    expect(headerAt(sys, EXCHANGE_AT).nameLength).toBe(28);
  });

  it('takes neither a datagram nor an address that there is no room for', () => {
    const batch = new Batch(sysOf(), OUTWARD_AT, 'sent');

    expect(() => batch.put(0, new Uint8Array(LONGEST_DATAGRAM + 1))).toThrow(/no room/);
    expect(() => batch.put(DATAGRAMS_AT_ONCE, new Uint8Array(1))).toThrow(/no room/);
    expect(() => batch.address(0, new Uint8Array(29))).toThrow(/an address of 29 B/);
  });
});
