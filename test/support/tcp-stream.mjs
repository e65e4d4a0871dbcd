// One end of a TCP connection on which both sides send numbered bytes at an even pace. SIGTERM ends it in order;
// each end then prints what it sent and got, and the longest time it got nothing:
// node tcp-stream.mjs serve ADDRESS | node tcp-stream.mjs connect ADDRESS PORT [LOCAL_ADDRESS]
import { connect, createServer } from 'node:net';

const [role, address, port, localAddress] = process.argv.slice(2);

/** Between two pieces, and numbers of four bytes in one. */
const TICK_MS = 10;
const NUMBERS_A_TICK = 16;

if (role === 'serve') {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    server.close();
    run(socket);
  });
  server.listen({ host: address, port: 0 }, () => console.log(`listening on port ${server.address().port}`));
} else {
  const socket = connect({ host: address, port: Number(port), localAddress, allowHalfOpen: true });
  socket.once('connect', () => {
    console.log(`connected from ${socket.localAddress}`);
    run(socket);
  });
  socket.once('error', ({ code }) => console.log(`no connection: ${code}`));
}

function run(socket) {
  const report = { sent: 0, received: 0, firstWrong: null, longestGap: 0, gapAt: 0, error: null };
  const begun = performance.now();
  let heardAt = begun;
  const heard = () => {
    const now = performance.now();
    if (now - heardAt > report.longestGap) {
      report.longestGap = Math.round(now - heardAt);
      report.gapAt = Math.round(heardAt - begun);
    }
    heardAt = now;
  };
  const pacer = setInterval(() => {
    // By the clock and not by the tick: a late tick sends what the ones before it should have.
    const due = Math.floor((performance.now() - begun) / TICK_MS) * NUMBERS_A_TICK;
    const first = report.sent / 4;
    if (due <= first) return;
    const piece = Buffer.alloc((due - first) * 4);
    for (let at = 0; at < piece.length; at += 4) piece.writeUInt32BE(first + at / 4, at);
    report.sent += piece.length;
    socket.write(piece);
  }, TICK_MS);
  const finish = () => {
    clearInterval(pacer);
    if (!socket.writableEnded) socket.end();
  };
  socket.setNoDelay(true);
  socket.on('data', (piece) => {
    heard();
    for (const byte of piece) {
      const { received } = report;
      if (byte !== ((received >>> 2) >>> (24 - 8 * (received & 3))) % 256) report.firstWrong ??= received;
      report.received += 1;
    }
  });
  socket.once('end', () => {
    heard();
    finish();
  });
  socket.on('error', ({ code }) => {
    report.error = code;
  });
  socket.once('close', () => {
    clearInterval(pacer);
    console.log(JSON.stringify(report));
  });
  process.once('SIGTERM', finish);
}
