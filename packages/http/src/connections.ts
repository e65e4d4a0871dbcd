import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Millis } from '@hurricane/core';
import { LINGER } from './limits.js';

/** What is known of one open connection. */
interface Connection {
  /** Requests read and not yet answered in full. */
  answering: number;
  /** What was last answered at once: it may still be on its way to the kernel. */
  parting: ServerResponse | null;
  /** Bytes to send once those are answered, before the connection ends. */
  lastWords: string | null;
  /** Came when the server was full. */
  readonly surplus: boolean;
}

/** What closing a server took. */
export interface Closed {
  /** Connections that were not done within the limit and were cut. */
  readonly cut: number;
}

/** The open connections of one server: which are busy, and how each one ends. */
export class Connections {
  readonly #server: Server;
  readonly #open = new Map<Socket, Connection>();
  #closing: Promise<Closed> | null = null;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param limit how many at a time are served; the ones above it are `surplus`. */
  static of(server: Server, limit: number): Connections {
    const connections = new Connections(server);
    const open = connections.#open;
    server.on('connection', (socket: Socket) => {
      open.set(socket, { answering: 0, parting: null, lastWords: null, surplus: open.size >= limit });
      socket.once('close', () => open.delete(socket));
    });
    return connections;
  }

  /** Whether `socket` came when the server already had as many connections as it serves. */
  isSurplus(socket: Socket): boolean {
    return this.#open.get(socket)?.surplus ?? false;
  }

  /**
   * Whether an answer that is written in this turn needs no {@link begin}: no other is before it, none of the
   * server's last words are to follow it, and it is not the last.
   */
  mayAnswerAtOnce(socket: Socket, outgoing: ServerResponse): boolean {
    const connection = this.#open.get(socket);
    if (connection === undefined || connection.surplus || this.#closing !== null) return false;
    if (isOnItsWay(connection.parting)) return false;
    if (connection.answering > 0 || connection.lastWords !== null) return false;
    connection.parting = outgoing;
    return true;
  }

  /** Notes that `outgoing` is being answered, so that nothing ends its connection in between. */
  begin(socket: Socket, outgoing: ServerResponse): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    const { parting } = connection;
    connection.parting = null;
    // What has been answered at once may turn out not to be the last before the end.
    if (parting !== outgoing && isOnItsWay(parting)) this.#follow(socket, connection, parting);
    if (this.#closing !== null || connection.surplus) outgoing.setHeader('connection', 'close');
    this.#follow(socket, connection, outgoing);
  }

  #follow(socket: Socket, connection: Connection, outgoing: ServerResponse): void {
    connection.answering += 1;
    outgoing.once('close', () => {
      connection.answering -= 1;
      if (connection.answering > 0) return;
      if (connection.lastWords !== null) linger(socket, connection.lastWords);
      else if (this.#closing !== null) socket.destroySoon();
    });
  }

  /** Ends a connection whose client cannot be understood: `lastWords` follow the answers it still waits for. */
  dismiss(socket: Socket, lastWords: string): void {
    const connection = this.#open.get(socket);
    // The parser complains again about every further piece of a request it has given up on.
    if (connection === undefined || connection.lastWords !== null) return;
    connection.lastWords = lastWords;
    if (isOnItsWay(connection.parting)) this.#follow(socket, connection, connection.parting);
    connection.parting = null;
    if (connection.answering === 0) linger(socket, lastWords);
  }

  /**
   * Takes no more connections, ends the resting ones at once and the others when they are answered.
   * What is left after `limit` is cut. Asked again, the first answer holds.
   */
  close(limit: Millis): Promise<Closed> {
    this.#closing ??= new Promise((resolve) => {
      let cut = 0;
      const timer = setTimeout(() => {
        cut = this.#open.size;
        for (const socket of this.#open.keys()) socket.destroy();
      }, limit);
      this.#server.close(() => {
        clearTimeout(timer);
        resolve({ cut });
      });
      // `Server.close` ends connections that rest between requests, not those that never made one.
      for (const [socket, { parting }] of this.#open) {
        if (socket.bytesRead === 0) socket.destroy();
        else if (isOnItsWay(parting)) socket.destroySoon();
      }
    });
    return this.#closing;
  }
}

const isOnItsWay = (outgoing: ServerResponse | null): outgoing is ServerResponse =>
  outgoing?.headersSent === true && !outgoing.writableFinished;

/** Sends `text` and ends the connection, listening a little longer than speaking. */
function linger(socket: Socket, text: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(text);
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(timer));
}
