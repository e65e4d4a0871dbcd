import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

// Tells everybody who they are: over TCP as an HTTP answer (to whoever asks in HTTP) or a line (to everybody else),
// over UDP with what was said behind it. Arguments: addresses to listen on; the port is 8080.

const PORT = 8080;

for (const address of process.argv.slice(2)) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    const told = `you are ${socket.remoteAddress}\n`;
    socket.once('data', (data) => {
      const http = /^(GET|HEAD) /.test(data.toString('latin1'));
      socket.end(http ? `HTTP/1.1 200 OK\r\nContent-Length: ${told.length}\r\nConnection: close\r\n\r\n${told}` : told);
    });
  });
  await new Promise((resolve) => server.listen({ host: address, port: PORT, ipv6Only: true }, resolve));
  const udp = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ipv6Only: address.includes(':') });
  udp.on('message', (data, from) => udp.send(`${from.address} said ${data}`, from.port, from.address));
  await new Promise((resolve) => udp.bind(PORT, address, resolve));
}
console.log('ready');
