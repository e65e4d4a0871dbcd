import { connect } from 'node:net';
import { argv } from 'node:process';

// A client that does everything wrong at once: node abuser.mjs PORT MILLISECONDS. It ends when the server has ended
// all of its connections, or after that time. Then it prints, as JSON, how many of each kind it made and how many of
// them were ended.

const port = Number(argv[2]);
const time = Number(argv[3]);
const kinds = {};

function client(kind, begin) {
  kinds[kind] ??= { made: 0, ended: 0, heard: {} };
  const counts = kinds[kind];
  counts.made += 1;
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    counts.ended += 1;
  });
  // allowHalfOpen leaves it to us to answer the server's end.
  socket.on('end', () => socket.destroy());
  socket.on('data', (piece) => {
    for (const [, status] of piece.toString('latin1').matchAll(/^HTTP\/1\.1 (\d+)/gm))
      counts.heard[status] = (counts.heard[status] ?? 0) + 1;
  });
  socket.on('connect', () => begin(socket));
  return socket;
}

/** Writes again and again until the connection is gone. `pause` is in milliseconds. */
function drip(socket, text, pause) {
  const timer = setInterval(() => {
    if (socket.destroyed || !socket.writable) clearInterval(timer);
    else socket.write(text);
  }, pause);
  socket.on('close', () => clearInterval(timer));
}

function flood(socket, chunk) {
  const more = () => {
    while (!socket.destroyed && socket.writable && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}

const times = (count, make) => {
  for (let i = 0; i < count; i += 1) make(i);
};
const GET = 'GET /health HTTP/1.1\r\nHost: localhost\r\n';
const POST = 'POST /health HTTP/1.1\r\nHost: localhost\r\n';
const CHUNK = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
const MALFORMED = [
  'NONSENSE\r\n\r\n',
  '\x16\x03\x01\x02\x00',
  'GET / HTTP/9.9\r\n\r\n',
  `${GET}a b: c\r\n\r\n`,
  '\0\0\0\0',
];

times(1_000, () => client('idle', () => undefined));
times(200, () => client('slow header', (socket) => socket.write(GET) && drip(socket, 'x', 500)));
times(100, () =>
  client('slow body', (socket) => socket.write(`${POST}Content-Length: 60000\r\n\r\n`) && drip(socket, 'x', 500)),
);
times(100, () => client('half closed', (socket) => socket.end(GET)));
times(50, () => client('half closed after asking', (socket) => socket.end(`${GET}\r\n`)));
times(20, () => client('pipelined', (socket) => socket.write(`${GET}\r\n`.repeat(100))));
times(50, () => client('large header', (socket) => socket.write(`${GET}X: ${'x'.repeat(1_048_576)}\r\n\r\n`)));
times(200, (i) => client('malformed', (socket) => socket.write(MALFORMED[i % MALFORMED.length])));
times(30, () =>
  client('body without end', (socket) => {
    socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
    flood(socket, CHUNK);
  }),
);
times(10, () =>
  client('body without end on GET', (socket) => {
    socket.write(`${GET}Transfer-Encoding: chunked\r\n\r\n`);
    flood(socket, CHUNK);
  }),
);

const started = performance.now();
setInterval(() => {
  const all = Object.values(kinds);
  if (performance.now() - started < time && all.some(({ made, ended }) => ended < made)) return;
  console.log(JSON.stringify(kinds));
  process.exit(0);
}, 50);
