// Sends from one connected UDP socket, which remembers its route: node connected-socket.mjs TARGET PORT SOURCE
import { createSocket } from 'node:dgram';

const [target, port, source] = process.argv.slice(2);
const TICK_MS = 5;

const socket = createSocket('udp6');
socket.on('error', () => {});
socket.bind({ address: source }, () => {
  socket.connect(Number(port), target, () => {
    setInterval(() => socket.send('x', () => {}), TICK_MS);
    console.log('sending');
  });
});
