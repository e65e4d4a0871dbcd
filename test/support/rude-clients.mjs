import { connect } from 'node:net';

// Clients of the SOCKS5 proxy on 127.0.0.1:1080 that reset their connection at every stage: after each number of bytes
// of what they would say, some once they are answered. Arguments: how many of them, and what they say, in hexadecimal.

const [count, ...said] = process.argv.slice(2);
const streams = said.map((hex) => Buffer.from(hex, 'hex'));
const AT_ONCE = 50;

for (let done = 0; done < Number(count); done += AT_ONCE)
  await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => rudeClient(done + i)));
console.log('done');

function rudeClient(n) {
  const stream = streams[n % streams.length];
  const cut = Math.floor(n / streams.length) % (stream.length + 1);
  return new Promise((resolve) => {
    const socket = connect(1080, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('close', resolve);
    socket.on('connect', () => {
      socket.write(stream.subarray(0, cut));
      // Half of them wait for whatever comes, which after a whole request is the answer to it.
      if (n % 2 === 0) socket.once('data', () => socket.resetAndDestroy());
      setTimeout(() => socket.resetAndDestroy(), n % 40);
    });
  });
}
