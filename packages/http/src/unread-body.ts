import type { IncomingMessage, ServerResponse } from 'node:http';
import { DRAINED, LINGER } from './limits.js';

/**
 * Bounds what a client can make this process read after it has its answer.
 *
 * Node reads on, as fast as the client sends, until the request's time is up: ten clients with bodies without end then
 * take the whole process. Here a body that nobody wanted is read a little further, since closing sooner resets the
 * connection and can destroy the answer; then the connection ends.
 */
export function boundUnreadBody(incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (incoming.headers['transfer-encoding'] === undefined && incoming.headers['content-length'] === undefined) return;
  // Reading begins, up to the stream's own small buffer: Node takes over only bodies that nobody has begun to read.
  incoming.read(0);
  outgoing.once('close', () => {
    if (incoming.complete) return;
    let left = DRAINED;
    const count = (piece: Buffer): void => {
      left -= piece.length;
      if (left < 0) incoming.pause();
    };
    const timer = setTimeout(() => incoming.socket.destroy(), LINGER);
    incoming.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer));
    incoming.on('data', count).resume();
  });
}
