// Serves downloads to tests: GET /?bytes=N answers with N bytes, at most `rate` of them a second.
// Run inside a network namespace; picks a free port and says which on standard output.
import { createServer } from 'node:http';
import { Readable } from 'node:stream';

/** Between two pieces of a download that has a rate. */
const PIECE_MS = 20;
const CHUNK = Buffer.alloc(65_536);

const server = createServer((request, response) => {
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
  const bytes = Number(query.get('bytes') ?? '0');
  const rate = Number(query.get('rate') ?? '0');
  response.writeHead(200, { 'content-length': String(bytes), 'content-type': 'application/octet-stream' });
  Readable.from(pieces(bytes, rate))
    .on('error', () => response.destroy())
    .pipe(response);
});

server.listen({ host: '::', port: 0 }, () => console.log(`listening on port ${server.address().port}`));

async function* pieces(bytes, rate) {
  const started = performance.now();
  for (let sent = 0; sent < bytes; ) {
    const room = rate > 0 ? Math.max(1, Math.round((rate * PIECE_MS) / 1000)) : CHUNK.length;
    const piece = CHUNK.subarray(0, Math.min(room, CHUNK.length, bytes - sent));
    yield piece;
    sent += piece.length;
    const due = rate > 0 ? started + (sent / rate) * 1000 - performance.now() : 0;
    if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
  }
}
