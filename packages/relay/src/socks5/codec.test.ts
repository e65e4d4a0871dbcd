import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMMANDS, REPLIES, type Reply } from './codec.js';
import { readCredentials, readDatagram, readGreeting, readRequest } from './codec-read.js';
import {
  LONGEST_PAYLOAD,
  writeDatagram,
  writeMethod,
  writeNameReply,
  writeReply,
  writeVerdict,
} from './codec-write.js';

// Bytes are written as in the RFCs, in hexadecimal. What is told of a message holds for every way to cut it.

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const ascii = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

describe('a greeting (RFC 1928 section 3)', () => {
  test.each([
    ['05 01 00', '00'],
    ['05 02 00 02', '0002'],
    ['05 03 00 01 02', '000102'],
    ['05 02 02 02', '0202'], // neg-dup-methods
    [`05 ff ${'80'.repeat(255)}`, '80'.repeat(255)], // neg-255-methods
  ])('%s', (message, methods) => {
    const greeting = readGreeting(bytes(`${message} dead`));

    expect(greeting).toEqual({ kind: 'read', value: bytes(methods), length: bytes(message).length });
    expectTruncationsOf(message, readGreeting);
  });

  test.each([
    ['00', 'wrong_version'],
    ['04', 'wrong_version'], // neg-ver: SOCKS4
    ['06', 'wrong_version'],
    ['47', 'wrong_version'], // neg-ver: the G of GET
    ['ff 01 00', 'wrong_version'],
    ['05 00', 'no_methods'], // neg-nmethods-0
  ])('%s is bad: %s', (message, fault) => {
    expect(readGreeting(bytes(message))).toEqual({ kind: 'bad', fault });
  });

  test('nothing and a version alone ask for more', () => {
    expect(readGreeting(bytes(''))).toEqual({ kind: 'more', missing: 2 });
    expect(readGreeting(bytes('05'))).toEqual({ kind: 'more', missing: 1 });
    expect(readGreeting(bytes('05 03 00'))).toEqual({ kind: 'more', missing: 2 });
  });
});

describe('user name and password (RFC 1929 section 2)', () => {
  const long = 'ff'.repeat(255);
  test.each([
    ['01 01 61 01 62', '61', '62'],
    ['01 03 00ff0a 02 c328', '00ff0a', 'c328'], // 14: bytes, not text
    [`01 ff ${long} ff ${long}`, long, long], // 13
  ])('%s', (message, username, password) => {
    const value = { username: bytes(username), password: bytes(password) };

    expect(readCredentials(bytes(`${message} 05`))).toEqual({ kind: 'read', value, length: bytes(message).length });
    expectTruncationsOf(message, readCredentials);
  });

  test.each([
    ['00', 'wrong_version'], // 15
    ['05 01 00', 'wrong_version'],
    ['01 00', 'empty_username'], // 12
    ['01 00 01 61', 'empty_username'],
    ['01 01 61 00', 'empty_password'],
  ])('%s is bad: %s', (message, fault) => {
    expect(readCredentials(bytes(message))).toEqual({ kind: 'bad', fault });
  });
});

const V4 = '01 c0000201 01bb';
const V6 = '04 20010db8000000000000000000000001 01bb';
const NAME = `03 0b ${ascii('example.org')} 01bb`;

describe('a request (RFC 1928 section 4)', () => {
  const address = (text: string, port = 443): object => ({ kind: 'address', address: text, port });

  test.each([
    [`05 01 00 ${V4}`, 'connect', address('192.0.2.1')],
    [`05 01 00 ${V6}`, 'connect', address('2001:db8::1')],
    [`05 01 00 ${NAME}`, 'connect', { kind: 'name', name: 'example.org', port: 443 }],
    [`05 02 00 ${V4}`, 'bind', address('192.0.2.1')],
    ['05 02 00 01 00000000 0000', 'bind', address('0.0.0.0', 0)],
    ['05 03 00 01 00000000 0000', 'udp_associate', address('0.0.0.0', 0)],
    [`05 03 00 04 ${'00'.repeat(16)} 0000`, 'udp_associate', address('::', 0)],
    [`05 f0 00 03 01 ${ascii('a')} 0000`, 'resolve', { kind: 'name', name: 'a', port: 0 }],
    ['05 f1 00 01 c0000201 0000', 'resolve_ptr', address('192.0.2.1', 0)],
    ['05 01 00 01 ffffffff ffff', 'connect', address('255.255.255.255', 65_535)],
    ['05 01 00 04 00000000000000000000ffff7f000001 0050', 'connect', address('127.0.0.1', 80)],
    [`05 01 00 03 ff ${ascii('x'.repeat(255))} 0001`, 'connect', { kind: 'name', name: 'x'.repeat(255), port: 1 }],
    ['05 01 00 03 04 00 ff 0a 2e 0001', 'connect', { kind: 'name', name: '\0\xff\n.', port: 1 }],
  ])('%s', (message, command, target) => {
    const value = { command, target };

    expect(readRequest(bytes(`${message} 01 02`))).toEqual({ kind: 'read', value, length: bytes(message).length });
    expectTruncationsOf(message, readRequest);
  });

  test.each([
    ['04', 'wrong_version'],
    ['01 01 61 01 62', 'wrong_version'], // 18: credentials that nobody asked for
    ['05 01 01 01', 'reserved_not_zero'], // 20
    ['05 01 ff 01', 'reserved_not_zero'],
    ['05 01 00 00', 'unknown_address_type'], // 21
    ['05 01 00 02', 'unknown_address_type'],
    ['05 01 00 05', 'unknown_address_type'],
    ['05 01 00 ff', 'unknown_address_type'],
    ['05 01 00 03 00', 'empty_name'], // 22
    ['05 01 00 01 c0000201 0000', 'port_zero'], // 24
  ])('%s is bad: %s', (message, fault) => {
    expect(readRequest(bytes(message))).toEqual({ kind: 'bad', fault });
  });

  test('knows these commands and no other', () => {
    const known = Object.values(COMMANDS) as readonly number[];
    for (let command = 0; command < 256; command += 1) {
      const read = readRequest(Uint8Array.of(5, command, 0, 1, 192, 0, 2, 1, 0, 80));
      if (known.includes(command)) expect(read.kind).toBe('read');
      else expect(read).toEqual({ kind: 'bad', fault: 'unknown_command' });
    }
  });
});

describe('a datagram (RFC 1928 section 7)', () => {
  test.each([
    [`0000 00 ${V4}`, { kind: 'address', address: '192.0.2.1', port: 443 }],
    [`0000 00 ${V6}`, { kind: 'address', address: '2001:db8::1', port: 443 }],
    [`0000 00 ${NAME}`, { kind: 'name', name: 'example.org', port: 443 }],
  ])('%s', (header, target) => {
    const { length } = bytes(header);

    expect(readDatagram(bytes(`${header} 0102`))).toEqual({ kind: 'read', value: { target, length }, length });
    // 49: no payload is a payload.
    expect(readDatagram(bytes(header)).kind).toBe('read');
    for (let cut = 0; cut < length; cut += 1)
      expect(readDatagram(bytes(header).slice(0, cut))).toEqual({ kind: 'bad', fault: 'truncated' });
  });

  test.each([
    [`0100 00 ${V4}`, 'reserved_not_zero'], // 44
    [`0001 00 ${V4}`, 'reserved_not_zero'],
    [`0000 01 ${V4}`, 'fragmented'], // 45
    [`0000 80 ${V4}`, 'fragmented'],
    [`0000 ff ${V4}`, 'fragmented'],
    ['0000 00 00 00', 'unknown_address_type'], // 46
    ['0000 00 02 00', 'unknown_address_type'],
    ['0000 00 03 00', 'empty_name'],
    ['0000 00 03 0b 6578', 'truncated'], // 46: a name longer than the datagram
    ['0000 00 01 c0000201 0000', 'port_zero'],
  ])('%s is bad: %s', (message, fault) => {
    expect(readDatagram(bytes(message))).toEqual({ kind: 'bad', fault });
  });

  test('is written with the address it came from', () => {
    const v4 = writeDatagram({ address: '192.0.2.1', port: 443 }, bytes('0102'));
    const v6 = writeDatagram({ address: '2001:db8::1', port: 443 }, bytes(''));

    expect(hex(v4)).toBe('00000001c000020101bb0102');
    expect(hex(v6)).toBe('0000000420010db800000000000000000000000101bb');
  });

  test('fits whatever is in front of the longest payload', () => {
    expect(LONGEST_PAYLOAD + 262).toBe(65_507);
  });
});

describe('answers', () => {
  test('to a greeting and to credentials', () => {
    expect([writeMethod('none'), writeMethod('password'), writeMethod('unacceptable')].map(hex)).toEqual([
      '0500',
      '0502',
      '05ff',
    ]);
    expect([writeVerdict(true), writeVerdict(false)].map(hex)).toEqual(['0100', '0101']);
  });

  test.each(Object.entries(REPLIES) as [Reply, number][])('%s is 0x0%i, of full length', (reply, code) => {
    expect(hex(writeReply(reply, null))).toBe(`050${code}0001000000000000`);
    expect(hex(writeReply(reply, { address: '2001:db8::2', port: 0x1234 }))).toBe(
      `050${code}000420010db80000000000000000000000021234`,
    );
  });

  test('with a name', () => {
    expect(hex(writeNameReply('a.example'))).toBe(`05000003 09${ascii('a.example')}0000`.replaceAll(' ', ''));
    expect(writeNameReply('x'.repeat(300))).toHaveLength(4 + 1 + 255 + 2);
  });
});

describe('any bytes', () => {
  const readers = [readGreeting, readCredentials, readRequest] as const;
  const data = fc.uint8Array({ maxLength: 600 });
  const likely = fc
    .tuple(fc.constantFrom('05', '01', '0501', '050100', '05010003', '05010004', '01ff'), data)
    .map(([start, rest]) => Uint8Array.from([...bytes(start), ...rest]));

  test('are read, bad, or go on; and what has been decided stays decided', () => {
    fc.assert(
      fc.property(fc.oneof(data, likely), (all) => {
        for (const reader of readers) {
          let decided: unknown = null;
          for (let cut = 0; cut <= all.length; cut += 1) {
            const read = reader(all.subarray(0, cut));
            if (decided !== null) expect(read).toEqual(decided);
            else if (read.kind !== 'more') decided = read;
            else expect(read.missing).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('that are missing are never fewer than said', () => {
    fc.assert(
      fc.property(likely, (all) => {
        for (const reader of readers) {
          const read = reader(all);
          if (read.kind !== 'more' || read.missing === 1) continue;
          expect(reader(Uint8Array.from([...all, ...new Uint8Array(read.missing - 1)])).kind).not.toBe('read');
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('in a datagram are never read beyond their end', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          data,
          data.map((d) => Uint8Array.from([0, 0, 0, ...d])),
        ),
        (datagram) => {
          const read = readDatagram(datagram);
          if (read.kind === 'read') expect(read.length).toBeLessThanOrEqual(datagram.length);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('that were written as a datagram are read as the same', () => {
    const v4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((b) => b.join('.'));
    const v6 = fc.integer({ min: 1, max: 0xffff }).map((n) => `2001:db8::${n.toString(16)}`);

    fc.assert(
      fc.property(fc.oneof(v4, v6), fc.integer({ min: 1, max: 65_535 }), data, (address, port, payload) => {
        const datagram = writeDatagram({ address, port }, payload);
        const read = readDatagram(datagram);
        if (read.kind === 'bad') throw new Error(read.fault);
        expect(read.value.target).toEqual({ kind: 'address', address, port });
        expect(datagram.subarray(read.length)).toEqual(payload);
      }),
    );
  });
});

/** Every beginning of a message asks for more, and never for more than there is. */
function expectTruncationsOf(message: string, reader: (part: Uint8Array) => { readonly kind: string }): void {
  const whole = bytes(message);
  for (let cut = 0; cut < whole.length; cut += 1) {
    const read = reader(whole.subarray(0, cut)) as { readonly kind: string; readonly missing?: number };
    expect(read.kind).toBe('more');
    expect(read.missing).toBeGreaterThan(0);
    expect(read.missing).toBeLessThanOrEqual(whole.length - cut);
  }
}
