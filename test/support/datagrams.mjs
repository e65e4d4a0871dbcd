// Sends numbered datagrams at an even rate and prints, when it is asked to end, how many came back:
// node datagrams.mjs ADDRESS PORT PER_SECOND [LOCAL_ADDRESS]
import { createSocket } from 'node:dgram';

const [address, port, perSecond, local] = process.argv.slice(2);
/** After the last one is sent, for the echoes that are on their way: until all are here, or at most so long. */
const LINGER_MS = 5_000;
const LOOK_EVERY_MS = 20;
const BUFFER = 4_194_304;

const socket = createSocket({ type: 'udp6', recvBufferSize: BUFFER, sendBufferSize: BUFFER });
const missing = new Set();
const errors = new Map();
let sent = 0;
const begun = performance.now();

socket.on('message', (message) => missing.delete(Number(message)));
socket.on('error', () => {});
socket.bind({ address: local });
const timer = setInterval(() => {
  // By the clock and not by the tick: a late tick sends what the ones before it should have.
  for (const due = ((performance.now() - begun) / 1000) * Number(perSecond); sent < due; sent += 1) {
    missing.add(sent);
    socket.send(`${sent}`, Number(port), address, (error) => {
      if (error) errors.set(error.code, (errors.get(error.code) ?? 0) + 1);
    });
  }
}, 5);
console.log('sending');
process.on('SIGTERM', () => {
  clearInterval(timer);
  const asked = performance.now();
  setInterval(() => {
    if (missing.size > 0 && performance.now() - asked < LINGER_MS) return;
    console.log(JSON.stringify({ sent, lost: missing.size, errors: Object.fromEntries(errors) }));
    process.exit(0);
  }, LOOK_EVERY_MS);
});
