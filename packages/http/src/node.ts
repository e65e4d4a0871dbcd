import { type AddressInfo, isIP, isIPv6, type Server, type Socket } from 'node:net';
import type { Millis } from '@hurricane/core';
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow';
import { type AnsweringServer, answeringServer, type ServerOptions } from './answering-server.js';
import type { Closed } from './connections.js';
import type { TcpArrival } from './guard.js';
import { holderOfPort, holderOfSocket } from './holder.js';
import { type ListenError, toListenError, toSocketError } from './listen-error.js';
import { giveToGroup, listenPrivately, makeRoomFor, type SocketMode } from './unix-socket.js';

export { BearerToken, describeTokenFlaw, type TokenFlaw } from './bearer-token.js';
export type { Closed } from './connections.js';
export { holderOfPort } from './holder.js';
export { SERVE_LIMITS, type ServeLimits } from './limits.js';
export { describeListenError, type Holder, type ListenError } from './listen-error.js';

export { type ProcessSource, processSource } from './process.js';
export type { SocketMode } from './unix-socket.js';

export interface ServeOptions extends ServerOptions {
  /** IPv4 or IPv6 literal. */
  readonly bind: string;
  /** 0: any free one; `Listener.port` says which. */
  readonly port: number;
}

export interface ServeSocketOptions extends ServerOptions {
  /** Absolute path. What a dead process left there is replaced, anything else is left alone. */
  readonly path: string;
  /** Number of the group that may connect beside the owner. Null: this process's own. */
  readonly group: number | null;
}

interface Closable {
  /**
   * Takes no more connections, ends resting ones at once, and cuts what is left after `limit`:
   * a client that holds a connection cannot hold this up. Safe to repeat.
   */
  close(limit: Millis): ResultAsync<Closed, never>;
}

/** A server that is listening. */
export interface Listener extends Closable {
  readonly address: string;
  readonly port: number;
  /** `http://127.0.0.1:8642`, without a slash at the end. */
  readonly url: string;
}

/** A server that is listening on a Unix socket. Closing it removes the socket. */
export interface SocketListener extends Closable {
  /** Without symbolic links. */
  readonly path: string;
}

/** Serves `app` over HTTP/1.1 until closed. Resolves once it is listening. */
export function serve(options: ServeOptions): ResultAsync<Listener, ListenError> {
  const { bind: address, port } = options;
  if (isIP(address) === 0) return errAsync({ kind: 'bad_address', address });
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return errAsync({ kind: 'bad_port', port });
  const answering = answeringServer(options, tcpArrivalOf);
  const { server } = answering;
  const listening = listen(server, options.onDefect, () => server.listen({ host: address, port }));
  return new ResultAsync(
    listening.then(async (thrown) => {
      if (thrown === null) return ok(listenerOf(answering));
      const holder = thrown.code === 'EADDRINUSE' ? await holderOfPort(port) : null;
      return err(toListenError(thrown, address, port, holder));
    }),
  );
}

/**
 * The same on a Unix socket with mode 0660, which it has from its first moment. Errs, and leaves everything as it
 * was, when something listens there, when something else than a socket is there, or when others could replace it.
 */
export function serveSocket(options: ServeSocketOptions): ResultAsync<SocketListener, ListenError> {
  return new ResultAsync(openSocket(options));
}

async function openSocket(options: ServeSocketOptions): Promise<Result<SocketListener, ListenError>> {
  const room = await roomAt(options.path);
  if (room.isErr()) return err(room.error);
  const path = room.value;
  const answering = answeringServer(options, () => ({ socket: path }));
  const bound = await occupy(answering.server, { ...options, path, mode: 0o660 });
  if (bound.isErr()) return err(bound.error);
  const close = closing(answering);
  const given = options.group === null ? ok(undefined) : await giveToGroup(path, options.group);
  if (given.isErr()) {
    await close(0);
    return err(given.error);
  }
  return ok({ path, close });
}

export interface BindOptions {
  /** Absolute path. What a dead process left there is replaced, anything else is left alone. */
  readonly path: string;
  readonly mode: SocketMode;
  /** Told of connections that could not be accepted. Should log it. */
  readonly onDefect: (defect: unknown) => void;
}

/**
 * Has a server of any protocol listen on a Unix socket, which has that mode from its first moment, whatever the
 * umask. Resolves to its path without symbolic links. Errs as {@link serveSocket} does, and leaves all as it was.
 */
export function bindPrivately(server: Server, options: BindOptions): ResultAsync<string, ListenError> {
  return new ResultAsync(roomAt(options.path)).andThen((path) => new ResultAsync(occupy(server, { ...options, path })));
}

async function roomAt(path: string): Promise<Result<string, ListenError>> {
  const room = await makeRoomFor(path);
  if (room.isOk() || room.error.kind !== 'socket_in_use') return room;
  return err({ ...room.error, holder: await holderOfSocket(room.error.path) });
}

/** @param path where there is room. */
async function occupy(server: Server, { path, mode, onDefect }: BindOptions): Promise<Result<string, ListenError>> {
  const thrown = await listen(server, onDefect, () => listenPrivately(server, path, mode));
  return thrown === null ? ok(path) : err(toSocketError(thrown, path));
}

/** Null once it listens, or what was thrown. */
function listen(
  server: Server,
  onDefect: (defect: unknown) => void,
  begin: () => unknown,
): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.once('listening', () => {
      // From here on an `error` is a connection that could not be accepted; the others go on.
      server.removeAllListeners('error').on('error', onDefect);
      resolve(null);
    });
    begin();
  });
}

function tcpArrivalOf({ localAddress: address, localPort: port, remoteAddress: peer }: Socket): TcpArrival | null {
  // Undefined once the client has gone; nobody will read the answer.
  if (address === undefined || port === undefined) return null;
  return { address, port, ...(peer === undefined ? {} : { peer }) };
}

function listenerOf(answering: AnsweringServer): Listener {
  // A string only for pipes, null only before `listen`.
  const { address, port } = answering.server.address() as AddressInfo;
  const url = `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
  return { address, port, url, close: closing(answering) };
}

function closing({ connections }: AnsweringServer): Closable['close'] {
  return (limit) => new ResultAsync(connections.close(limit).then((closed) => ok(closed)));
}
