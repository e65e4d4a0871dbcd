// Sends datagrams and connection attempts from each of some source addresses and from none, whatever becomes of
// them, until it is killed. What kind of socket sent a packet shows in its port:
// node chatter.mjs TARGET SOURCE...
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const [target, ...sources] = process.argv.slice(2);

/** As leak-meter.ts knows them. */
const PORTS = { unbound: 7000, steadfast: 7001, connected: 7002, fresh: 7003, syn: 7004 };

const TICK_MS = 10;
/** A connected socket remembers its route: there are always some that are just made, and some of a while ago. */
const CONNECT_EVERY_MS = 300;
const CONNECTED_LIFE_MS = 1_500;
const CONNECTED_TICK_MS = 20;
const SYN_EVERY_MS = 250;
const SYN_LIFE_MS = 1_200;

const deaf = () => {};

/** Once bound it keeps its address, whether the host does or not. */
function steadfast(source) {
  const socket = createSocket('udp6');
  socket.on('error', () => {
    socket.close();
    setTimeout(() => steadfast(source), CONNECT_EVERY_MS);
  });
  socket.bind({ address: source }, () => {
    socket.removeAllListeners('error').on('error', deaf);
    setInterval(() => socket.send('s', PORTS.steadfast, target, deaf), TICK_MS);
  });
}

function connected(source) {
  const socket = createSocket('udp6');
  let timer = null;
  const end = () => {
    clearInterval(timer);
    socket.close();
  };
  socket.on('error', deaf);
  socket.once('error', end);
  socket.bind({ address: source }, () => {
    socket.removeAllListeners('error').on('error', deaf);
    setTimeout(end, CONNECTED_LIFE_MS);
    socket.connect(PORTS.connected, target, (error) => {
      if (!error) timer = setInterval(() => socket.send('c', deaf), CONNECTED_TICK_MS);
    });
  });
}

/** Only where the address is there to be bound to. */
function fresh(source) {
  const socket = createSocket('udp6');
  socket.once('error', () => socket.close());
  socket.bind({ address: source }, () => socket.send('f', PORTS.fresh, target, () => socket.close()));
}

function unbound() {
  const socket = createSocket('udp6');
  socket.send('u', PORTS.unbound, target, () => socket.close());
}

function syn(source) {
  const socket = connect({ host: target, port: PORTS.syn, localAddress: source });
  socket.on('error', deaf);
  setTimeout(() => socket.destroy(), SYN_LIFE_MS);
}

for (const source of sources) {
  steadfast(source);
  setInterval(() => fresh(source), TICK_MS);
  setInterval(() => connected(source), CONNECT_EVERY_MS);
  setInterval(() => syn(source), SYN_EVERY_MS);
}
setInterval(unbound, TICK_MS);
console.log('sending');
