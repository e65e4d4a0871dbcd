// Every few milliseconds a new flow: a fresh UDP socket, no source address asked for, one datagram, one echo.
// Prints, for each that came back, when it left and how long it took (ms of the wall clock),
// and which address it came from.
import { createSocket } from 'node:dgram';

const [target, port, every] = process.argv.slice(2);
const GIVE_UP_MS = 2_000;
const clock = () => performance.timeOrigin + performance.now();

function flow() {
  const socket = createSocket('udp6');
  const sentAt = clock();
  let source = null;
  const end = (line) => {
    clearTimeout(timer);
    socket.close();
    if (line !== null) console.log(line);
  };
  const timer = setTimeout(() => end(null), GIVE_UP_MS);
  socket.on('error', () => end(null));
  socket.on('message', () => end(JSON.stringify({ sentAt, rtt: clock() - sentAt, source })));
  socket.connect(Number(port), target, (error) => {
    if (error) return end(null);
    source = socket.address().address;
    socket.send('?');
  });
}

setInterval(flow, Number(every));
