// Begins a connection to relay-program.mjs every 50 ms, says a word and waits for the echo, until it is killed:
// node new-flows.mjs ADDRESS PORT [PROXY_PORT]   directly, or through the SOCKS5 proxy on a port of 127.0.0.1
// Each that is answered is told as `answered BEGAN ENDED`, in Unix milliseconds.
import { once } from 'node:events';
import { connect } from 'node:net';
import { connectBy } from './socks5-client.mjs';

const [address, port, proxyPort] = process.argv.slice(2);
const EVERY_MS = 50;
const PATIENCE_MS = 5_000;

const now = () => performance.timeOrigin + performance.now();

async function directly() {
  const socket = connect({ host: address, port: Number(port) });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function attempt() {
  const began = now();
  const socket = await (proxyPort === undefined ? directly() : connectBy(Number(proxyPort), address, Number(port)));
  socket.on('error', () => {});
  setTimeout(() => socket.destroy(), PATIENCE_MS).unref();
  socket.write('e?');
  socket.once('data', () => {
    console.log(`answered ${began.toFixed(0)} ${now().toFixed(0)}`);
    socket.destroy();
  });
}

setInterval(() => attempt().catch(() => {}), EVERY_MS);
console.log('ready');
