// A program behind a relay: node relay-program.mjs [ADDRESS [TCP_PORT UDP_PORT]]
// On 127.0.0.1 and any free ports unless told.
// What a TCP client sends first says what it does; UDP is sent back. Says its ports on standard output.
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

export const MEGABYTE = Buffer.alloc(1_000_000, 'hurricane');
const PIECE = Buffer.alloc(2_000);
const PIECE_MS = 50;
const SLOW_PIECE_MS = 200;

let resets = 0;

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', (error) => {
    if (error.code === 'ECONNRESET') resets += 1;
  });
  let said = false;
  socket.on('end', () => {
    if (!said) socket.end();
  });
  socket.once('data', (first) => {
    said = true;
    const rest = first.subarray(1);
    switch (first.toString('latin1', 0, 1)) {
      case 'e': // Echo, with half-close.
        if (rest.length > 0) socket.write(rest);
        socket.pipe(socket);
        break;
      case 'm': // A megabyte, then FIN.
        socket.end(MEGABYTE);
        socket.resume();
        break;
      case 'r': {
        // The hash of everything, once the client has ended.
        const hash = createHash('sha256').update(rest);
        socket.on('data', (bytes) => hash.update(bytes)).on('end', () => socket.end(hash.digest('hex')));
        break;
      }
      case 'x': // A reset.
        socket.resetAndDestroy();
        break;
      case 'y': // Waits to be reset.
        socket.write('y');
        socket.resume();
        break;
      case 'c': // How many resets there were.
        socket.end(String(resets));
        break;
      case 'd': // A download that never ends.
        downloadTo(socket, PIECE_MS);
        break;
      case 's': // The same, slower.
        downloadTo(socket, SLOW_PIECE_MS);
        break;
    }
  });
});

function downloadTo(socket, every) {
  const timer = setInterval(() => socket.write(PIECE), every);
  socket.on('close', () => clearInterval(timer));
}

const [address = '127.0.0.1', ...ports] = process.argv.slice(2);
const [tcpPort = 0, udpPort = 0] = ports.map(Number);
const datagrams = createSocket(address.includes(':') ? 'udp6' : 'udp4');
datagrams.on('message', (bytes, from) => datagrams.send(bytes, from.port, from.address));

if (import.meta.url === `file://${process.argv[1]}`)
  server.listen(tcpPort, address, () => {
    datagrams.bind(udpPort, address, () => {
      console.log(`tcp ${server.address().port} udp ${datagrams.address().port} ready`);
    });
  });
