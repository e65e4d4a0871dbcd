import { describe, expect, it } from 'vitest';
import { UDP_WAITING_AT_MOST } from '../limits.js';
import { writeDatagram } from '../socks5/codec-write.js';
import { ARENA_BYTES, Arena, EXCHANGE_AT } from './arena.js';
import { Batch, HEADER_BYTES } from './batch.js';
import { Descriptors } from './descriptors.js';
import type { ExchangeNews, LetterNews } from './exchange-protocol.js';
import { ExchangeRelay } from './exchange-relay.js';
import { LETTERS_AT_MOST } from './native-limits.js';
import { socketAddressOf } from './socket-address.js';
import { EAGAIN, type Sys } from './sys.js';

const NEAR = 3;
const CLIENT = { address: '192.0.2.1', port: 5_000 };
const STRANGER = { address: '192.0.2.2', port: 5_000 };
const TO = { address: '198.51.100.1', port: 53 };
const ELSEWHERE = { address: '198.51.100.2', port: 53 };

const nameOf = (at: typeof TO): Uint8Array => socketAddressOf(at) ?? new Uint8Array();

/** An exchange to which a test sends, what it tells, and what it sends on. */
function anExchange() {
  const memory = new Uint8Array(ARENA_BYTES);
  const view = new DataView(memory.buffer);
  const coming: (readonly [from: typeof TO, bytes: Uint8Array])[] = [];
  const sent: string[] = [];
  const news: ExchangeNews[] = [];
  let lastFd = NEAR;
  const note = (at: number, length: number): void => {
    sent.push(Buffer.from(memory.subarray(at, at + length)).toString());
  };
  const calls: Partial<Sys> & Pick<Sys, 'memory'> = {
    memory,
    addressOf: (at) => BigInt(at),
    socket: () => {
      lastFd += 1;
      return lastFd;
    },
    bind: () => 0,
    setsockopt: () => 0,
    epollCtl: () => 0,
    close: () => 0,
    recvfrom: (_, at, __, nameAt, lengthAt) => {
      const [next] = coming.splice(0, 1);
      if (next === undefined) return -EAGAIN;
      const [from, bytes] = next;
      memory.set(nameOf(from), nameAt);
      view.setUint32(lengthAt, nameOf(from).length, true);
      memory.set(bytes, at);
      return bytes.length;
    },
    recvmmsg: (_, at, count) => {
      const now = coming.splice(0, count);
      for (const [i, [from, bytes]] of now.entries()) {
        const header = at + i * HEADER_BYTES;
        memory.set(nameOf(from), Number(view.getBigUint64(header, true)));
        view.setUint32(header + 8, nameOf(from).length, true);
        view.setUint32(header + 56, bytes.length, true);
        const vector = Number(view.getBigUint64(header + 16, true));
        memory.set(bytes, Number(view.getBigUint64(vector, true)));
      }
      return now.length === 0 ? -EAGAIN : now.length;
    },
    sendto: (_, at, length) => {
      note(at, length);
      return length;
    },
    sendmmsg: (_, at, count) => {
      for (let i = 0; i < count; i += 1) {
        const vector = Number(view.getBigUint64(at + i * HEADER_BYTES + 16, true));
        note(Number(view.getBigUint64(vector, true)), Number(view.getBigUint64(vector + 8, true)));
      }
      return count;
    },
  };
  const sys = calls as Sys;
  const batch = new Batch(sys, EXCHANGE_AT, 'both');
  const exchange = new ExchangeRelay(1, NEAR, {
    descriptors: new Descriptors(sys, new Arena(sys), 9),
    batch,
    now: 0,
    tell: (each) => void news.push(each),
    crowded: () => {},
    moved: () => {},
    take: () => true,
    giveBack: () => {},
  });
  const letters = (): readonly LetterNews[] =>
    news.splice(0).flatMap((each) => (each.kind === 'letters' ? each.letters : []));
  return {
    exchange,
    sent,
    letters,
    /** Sends all that at once, and answers with what is to be judged. */
    arrive: (
      from: typeof TO,
      ...all: readonly (readonly [to: typeof TO, payload: string])[]
    ): readonly LetterNews[] => {
      for (const [to, payload] of all) coming.push([from, writeDatagram(to, Buffer.from(payload))]);
      while (coming.length > 0) exchange.ready();
      return letters();
    },
    /** Says that a letter may go on, and with it all that has its header. */
    allow: ({ letter, bytes }: LetterNews): readonly LetterNews[] => {
      const [payload, header] = [bytes.subarray(10), bytes.subarray(0, 10)];
      exchange.answerTo(nameOf(CLIENT));
      exchange.send({ kind: 'send_letter', id: 1, to: nameOf(TO), source: null, payload, header });
      exchange.read([letter]);
      return letters();
    },
    deny: ({ letter }: LetterNews): readonly LetterNews[] => {
      exchange.read([letter]);
      return letters();
    },
  };
}

const textOf = (all: readonly LetterNews[]): readonly string[] =>
  all.map(({ bytes }) => Buffer.from(bytes.subarray(10)).toString());

function first(all: readonly LetterNews[]): LetterNews {
  const [letter] = all;
  if (letter === undefined) throw new Error('nothing is to be judged');
  return letter;
}

describe('what is sent while the first to a place is being judged', () => {
  it('waits behind it and goes on with it, in order', () => {
    const { arrive, allow, sent } = anExchange();
    const letters = arrive(CLIENT, [TO, '1'], [TO, '2']);
    expect(arrive(CLIENT, [TO, '3'])).toEqual([]);

    expect(textOf(letters)).toEqual(['1']);
    expect(allow(first(letters))).toEqual([]);
    arrive(CLIENT, [TO, '4'], [TO, '5']);

    expect(sent).toEqual(['1', '2', '3', '4', '5']);
  });

  it('is judged as well, one after the other, where the first may not go on', () => {
    const { arrive, deny, allow, sent } = anExchange();
    const one = first(arrive(CLIENT, [TO, '1'], [TO, '2'], [TO, '3']));

    const two = first(deny(one));
    expect(textOf([two])).toEqual(['2']);
    expect(deny(one)).toEqual([]);
    allow(two);

    expect(sent).toEqual(['2', '3']);
  });

  it('to other places waits for nothing', () => {
    const { arrive, allow, sent } = anExchange();
    const letters = arrive(CLIENT, [TO, '1'], [ELSEWHERE, 'a'], [TO, '2'], [ELSEWHERE, 'b']);
    expect(textOf(letters)).toEqual(['1', 'a']);

    allow(first(letters));

    expect(sent).toEqual(['1', '2']);
  });

  it('by somebody else is not held up, and holds up nobody', () => {
    const { arrive, allow, sent } = anExchange();
    const one = first(arrive(CLIENT, [TO, '1']));
    // Nobody has said yet who the client is.
    const theirs = arrive(STRANGER, [TO, 'x'], [TO, 'y']);
    expect(textOf(theirs)).toEqual(['x']);

    allow(one);
    expect(textOf(arrive(STRANGER, [TO, 'z'], [TO, 'z']))).toEqual(['z', 'z']);
    arrive(CLIENT, [TO, '2']);

    expect(sent).toEqual(['1', '2']);
  });

  it('is lost beyond what may wait, which is counted', () => {
    const { arrive, allow, exchange, sent } = anExchange();
    const one = first(arrive(CLIENT, [TO, '0']));
    arrive(CLIENT, ...Array.from({ length: UDP_WAITING_AT_MOST + 5 }, (_, i) => [TO, String(i)] as const));

    allow(one);

    expect(sent).toHaveLength(1 + UDP_WAITING_AT_MOST);
    expect(exchange.takeCarried()).toMatchObject({ datagrams: 1 + UDP_WAITING_AT_MOST, lost: 5 });
    expect(exchange.takeCarried()).toEqual({ sent: 0, received: 0, datagrams: 0, lost: 0 });
  });
});

describe('what is to be judged', () => {
  it('is bounded for a client who sends to ever new places', () => {
    const { arrive, deny, exchange } = anExchange();
    const places = Array.from({ length: LETTERS_AT_MOST + 7 }, (_, i) => [{ ...TO, port: 1_000 + i }, 'x'] as const);

    const letters = arrive(CLIENT, ...places);

    expect(letters).toHaveLength(LETTERS_AT_MOST);
    expect(exchange.takeCarried().lost).toBe(7);
    deny(first(letters));
    expect(arrive(CLIENT, [ELSEWHERE, 'y'], [{ ...ELSEWHERE, port: 9 }, 'y'])).toHaveLength(1);
  });

  it('includes what was allowed before its leases were recalled', () => {
    const { arrive, allow, exchange, sent } = anExchange();
    allow(first(arrive(CLIENT, [TO, '1'])));
    expect(arrive(CLIENT, [TO, '2'])).toEqual([]);

    exchange.leases.clear();

    expect(textOf(arrive(CLIENT, [TO, '3']))).toEqual(['3']);
    expect(sent).toEqual(['1', '2']);
  });
});
