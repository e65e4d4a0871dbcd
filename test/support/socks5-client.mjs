// What test programs need of SOCKS5 (RFC 1928), without a password, to IPv6 addresses.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';

/** RSV, FRAG, ATYP, an IPv6 address and a port. */
const DATAGRAM_HEADER = 22;
const CONNECT = 1;
const UDP_ASSOCIATE = 3;

/** A connection to that place through the proxy on a port of 127.0.0.1. Rejects with what the proxy said. */
export function connectBy(proxyPort, address, port) {
  return ask(proxyPort, CONNECT, Buffer.from([4, ...bytesOf(address), port >> 8, port & 0xff])).then(
    ({ socket }) => socket,
  );
}

/** An association: `send` and `socket.on('message')` speak with one place. `control` lives as long as it does. */
export async function associateBy(proxyPort, address, port) {
  const { socket: control, answer } = await ask(proxyPort, UDP_ASSOCIATE, Buffer.from([1, 0, 0, 0, 0, 0, 0]));
  const header = Buffer.from([0, 0, 0, 4, ...bytesOf(address), port >> 8, port & 0xff]);
  const relayPort = answer.readUInt16BE(answer.length - 2);
  const socket = createSocket('udp4');
  const send = (bytes) => socket.send([header, bytes], relayPort, '127.0.0.1', () => {});
  return { control, socket, send, payloadOf: (datagram) => datagram.subarray(DATAGRAM_HEADER) };
}

async function ask(proxyPort, command, place) {
  const socket = connect({ host: '127.0.0.1', port: proxyPort, allowHalfOpen: true });
  // Later ones are the owner's to hear.
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(Buffer.from([5, 1, 0]));
  await exactly(socket, 2);
  socket.write(Buffer.from([5, command, 0, ...place]));
  const head = await exactly(socket, 4);
  if (head[1] !== 0) {
    socket.destroy();
    throw new Error(`the proxy said ${head[1]}`);
  }
  return { socket, answer: await exactly(socket, (head[3] === 4 ? 16 : 4) + 2) };
}

async function exactly(socket, count) {
  for (;;) {
    const bytes = socket.read(count);
    if (bytes !== null) return bytes;
    if (socket.readableEnded || socket.destroyed) throw new Error('the proxy hung up');
    await Promise.race(['readable', 'close', 'end'].map((event) => once(socket, event)));
  }
}

/** Of an IPv6 address with a `::` in it. */
function bytesOf(address) {
  const [head, tail] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const groups = [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}
