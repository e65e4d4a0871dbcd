import { chmod } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { attempt, codeOf, type PlaygroundError } from './problems.js';

/** Joins one listener to one destination, byte for byte. */
export interface Forwarder {
  /** The port listened on; null for a Unix socket. */
  readonly port: number | null;
  /** Ends all connections at once. */
  close(): Promise<void>;
}

/** A path of a Unix socket, or a TCP port of the loopback address. */
export type Place = { readonly path: string } | { readonly host: '127.0.0.1'; readonly port: number };

/** Connections forwarded at a time; a person and a few scripts need fewer. */
const MAX_CONNECTIONS = 64;

/** How long a connection may be without a byte in either direction. */
const IDLE_LIMIT: Millis = 60_000;

/** How many ports after the wanted one are tried before any free one will do. */
const PORTS_TO_TRY = 20;

/** Passes connections on from `from` to `to`. */
export function forward(from: Place, to: Place): ResultAsync<Forwarder, PlaygroundError> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...to, allowHalfOpen: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.setTimeout(IDLE_LIMIT, () => socket.destroy());
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroySoon();
      });
    }
    near.pipe(far).pipe(near);
  });
  server.maxConnections = MAX_CONNECTIONS;
  return listen(server, from).map(() => {
    const address = server.address();
    return {
      port: typeof address === 'object' ? (address?.port ?? null) : null,
      close: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          for (const socket of open) socket.destroy();
        }),
    };
  });
}

/** Tries `offer` with the wanted port, those after it, and 0 for any; the first that is not taken wins. */
export async function onFreePort<T>(
  wanted: number,
  offer: (port: number) => Promise<Result<T, PlaygroundError | 'taken'>>,
): Promise<Result<T, PlaygroundError>> {
  const next = Array.from({ length: PORTS_TO_TRY }, (_, i) => wanted + i).filter((port) => port <= 65_535);
  for (const port of [...next, 0]) {
    const offered = await offer(port);
    if (offered.isOk()) return ok(offered.value);
    if (offered.error !== 'taken') return err(offered.error);
  }
  return err({ kind: 'system', doing: `find a free port from ${wanted} on`, code: 'EADDRINUSE' });
}

/** Begins to listen. A Unix socket is for its user alone. */
export function listen(server: Server, place: Place): ResultAsync<void, PlaygroundError> {
  const where = 'path' in place ? place.path : `port ${place.port}`;
  return new ResultAsync(
    new Promise<Result<void, PlaygroundError>>((resolve) => {
      server.once('error', (cause) =>
        resolve(err({ kind: 'system', doing: `listen on ${where}`, code: codeOf(cause) })),
      );
      server.listen(place, () => {
        // From here on an `error` is a connection that could not be accepted; the others go on.
        server.removeAllListeners('error').on('error', () => undefined);
        resolve(ok(undefined));
      });
    }),
  ).andThen(() =>
    'path' in place ? attempt(`close ${where} to others`, () => chmod(place.path, 0o600)) : ok(undefined),
  );
}
