import { createServer, isIPv6, type Server } from 'node:net';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { Endpoint, Leg, ListenError, Listening } from './contracts.js';
import { BACKLOG } from './limits.js';
import type { Shortage } from './shortage.js';
import { SOCKET_OPTIONS } from './stream-connect.js';
import { isShortage, listenErrorOf, type SystemError } from './stream-errors.js';
import { StreamLeg } from './stream-leg.js';

/**
 * Listens, and rests while there is a shortage of descriptors.
 *
 * Node cannot leave a connection waiting in the kernel's queue, so resting means to stop listening: clients are refused
 * at once, which they can tell from a gateway that hangs.
 */
export function listenStream(
  at: Endpoint,
  accept: (leg: Leg) => void,
  shortage: Shortage,
): ResultAsync<Listening, ListenError> {
  return new ResultAsync(
    open(at, accept, shortage).then((opened) => opened.map((server) => listening(server, at, accept, shortage))),
  );
}

function listening(first: Server, at: Endpoint, accept: (leg: Leg) => void, shortage: Shortage): Listening {
  const local = localOf(first, at);
  let server: Server | null = first;
  let closed = false;
  const leave = shortage.join({
    rest: () => {
      server?.close();
      server = null;
    },
    resume: async () => {
      if (closed || server !== null) return true;
      const again = await open(local, accept, shortage);
      if (again.isErr()) return false;
      // It may have been closed meanwhile.
      if (closed) again.value.close();
      else server = again.value;
      return true;
    },
  });
  return {
    local,
    close: () => {
      closed = true;
      leave();
      const open = server;
      server = null;
      return open === null ? Promise.resolve() : closeServer(open);
    },
  };
}

function open(at: Endpoint, accept: (leg: Leg) => void, shortage: Shortage): Promise<Result<Server, ListenError>> {
  const server = createServer(SOCKET_OPTIONS, (socket) => {
    // A client that has gone by now has no address any more.
    if (socket.remoteAddress === undefined) socket.on('error', () => {}).destroy();
    else accept(new StreamLeg(socket));
  });
  return new Promise((resolve) => {
    server.once('error', (error: SystemError) => resolve(err(listenErrorOf(error))));
    server.listen(
      { host: at.address, port: at.port, ipv6Only: isIPv6(at.address), exclusive: true, backlog: BACKLOG },
      () => {
        server.removeAllListeners('error');
        // What goes wrong from here on is an accept(2).
        server.on('error', ({ code }: SystemError) => {
          if (isShortage(code)) shortage.met();
        });
        resolve(ok(server));
      },
    );
  });
}

/** `server.close` calls back once all connections have ended; the port is free in the same turn of the event loop. */
function closeServer(server: Server): Promise<void> {
  server.close();
  return new Promise((resolve) => setImmediate(resolve));
}

function localOf(server: Server, at: Endpoint): Endpoint {
  const bound = server.address();
  return bound !== null && typeof bound === 'object' ? { address: at.address, port: bound.port } : at;
}
