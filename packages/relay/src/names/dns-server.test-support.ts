import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { bytesOfAddress } from '../address-bytes.js';

/** What the server says to a question; null: nothing at all. */
export type DnsAnswer =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  /** RFC 1035 section 4.1.1: RCODE, such as 2 (SERVFAIL) and 3 (NXDOMAIN). */
  | { readonly kind: 'rcode'; readonly rcode: number }
  /** Bytes that are no answer. */
  | { readonly kind: 'raw'; readonly bytes: Uint8Array };

export interface Question {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'PTR' | 'other';
}

export interface DnsServer {
  /** As a resolver takes it. */
  readonly place: string;
  readonly asked: string[];
  close(): Promise<void>;
}

const TYPES = { A: 1, AAAA: 28, PTR: 12 } as const;

/** The largest answer over UDP; more is cut, and asked for again over TCP. */
const UDP_AT_MOST = 512;

/** A name server on loopback that answers as it is told. */
export async function aDnsServer(answer: (question: Question) => DnsAnswer | null, port = 0): Promise<DnsServer> {
  const asked: string[] = [];
  const respond = (query: Buffer): Buffer | null => {
    const question = questionIn(query);
    asked.push(`${question.name} ${question.type}`);
    const said = answer(question);
    return said === null ? null : messageOf(query, question, said);
  };
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const message = respond(data.subarray(2));
      if (message !== null) socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length]), message]));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(port, '127.0.0.1', resolve));
  const bound = (tcp.address() as { readonly port: number }).port;
  const udp = createSocket('udp4');
  udp.on('message', (query, from) => {
    const message = respond(query);
    if (message === null) return;
    udp.send(message.length > UDP_AT_MOST ? cut(message) : message, from.port, from.address);
  });
  await new Promise<void>((resolve) => udp.bind(bound, '127.0.0.1', resolve));
  return {
    place: `127.0.0.1:${bound}`,
    asked,
    close: async () => {
      udp.close();
      await new Promise((resolve) => tcp.close(resolve));
    },
  };
}

function questionIn(query: Buffer): Question {
  const labels: string[] = [];
  let at = 12;
  for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + size));
    at += 1 + size;
  }
  const type = query.readUInt16BE(at + 1);
  const known = Object.entries(TYPES).find(([, value]) => value === type)?.[0] ?? 'other';
  return { name: labels.join('.'), type: known as Question['type'] };
}

function messageOf(query: Buffer, { name, type }: Question, answer: DnsAnswer): Buffer {
  if (answer.kind === 'raw') return Buffer.from(answer.bytes);
  const question = query.subarray(12, 12 + name.length + 2 + 4);
  const records = recordsOf(answer, type);
  const header = Buffer.from(query.subarray(0, 12));
  header[2] = 0x84 | ((query[2] ?? 0) & 1);
  header[3] = 0x80 | (answer.kind === 'rcode' ? answer.rcode : 0);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  return Buffer.concat([header, question, ...records]);
}

function recordsOf(answer: DnsAnswer, type: Question['type']): readonly Buffer[] {
  if (answer.kind === 'addresses')
    return answer.addresses.map((address) => record(TYPES[type === 'AAAA' ? 'AAAA' : 'A'], bytesFor(address, type)));
  if (answer.kind === 'names') return answer.names.map((name) => record(TYPES.PTR, encoded(name)));
  return [];
}

/** A mapped address is 16 bytes in an answer of type AAAA. */
function bytesFor(address: string, type: Question['type']): Buffer {
  const bytes = bytesOfAddress(address) ?? new Uint8Array();
  const mapped = type === 'AAAA' && bytes.length === 4;
  return Buffer.from(mapped ? [...new Array<number>(10).fill(0), 255, 255, ...bytes] : bytes);
}

/** RFC 1035 section 4.1.3, with a pointer to the name in the question and 60 s to live. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255]);
  return Buffer.concat([head, data]);
}

function encoded(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

/** RFC 1035 section 4.1.1: TC. */
function cut(message: Buffer): Buffer {
  const short = Buffer.from(message.subarray(0, 12 + (message.indexOf(0, 12) - 12) + 5));
  short[2] = (short[2] ?? 0) | 0x02;
  short.writeUInt16BE(0, 6);
  return short;
}
