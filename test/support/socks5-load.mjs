// Downloads and sessions of datagrams through a SOCKS5 proxy until it is killed:
// node socks5-load.mjs PROXY_PORT ADDRESS TCP_PORT UDP_PORT COUNT   so many of each, with relay-program.mjs at ADDRESS
// Tells every 100 ms how many downloads still stand, and how many sessions have had an echo within the last second.
import { associateBy, connectBy } from './socks5-client.mjs';

const [proxyPort, address, ...rest] = process.argv.slice(2);
const [tcpPort, udpPort, count] = rest.map(Number);
const TICK_MS = 100;
const FRESH_MS = 1_000;

let bytes = 0;
let standing = 0;
const heardAt = [];

for (let i = 0; i < count; i++) {
  const socket = await connectBy(Number(proxyPort), address, tcpPort);
  standing += 1;
  socket.on('data', (piece) => (bytes += piece.length)).on('end', () => socket.destroy());
  socket.on('close', () => (standing -= 1));
  socket.write('s');

  const session = await associateBy(Number(proxyPort), address, udpPort);
  heardAt.push(Number.NEGATIVE_INFINITY);
  session.socket.on('message', (datagram) => {
    if (String(session.payloadOf(datagram)) === `${i}`) heardAt[i] = performance.now();
  });
  setInterval(() => session.send(Buffer.from(`${i}`)), TICK_MS);
}

setInterval(() => {
  const fresh = heardAt.filter((at) => performance.now() - at < FRESH_MS).length;
  console.log(`downloads ${standing} bytes ${bytes} sessions ${fresh}`);
}, TICK_MS);
