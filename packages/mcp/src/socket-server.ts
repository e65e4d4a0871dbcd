import { createServer, type Server, type Socket } from 'node:net';
import type { Millis } from '@hurricane/core';
import { notLoaded, tooMany } from './framing.js';
import { LINGER, MCP_LIMITS, type McpLimits } from './limits.js';

/** One client's conversation. */
export interface Session {
  /** Ends it; what was being answered is not answered. */
  close(): void;
}

/** Begins a conversation on a socket that has just connected. */
export type OpenSession = (socket: Socket, limits: McpLimits) => Session;

export interface SocketServerOptions {
  /** Called once, for the first client. */
  readonly load: () => Promise<OpenSession>;
  readonly limits?: Partial<McpLimits>;
  /** Told what went wrong in this server itself. Should log it. */
  readonly onDefect: (defect: unknown) => void;
}

interface Connection {
  session: Session | null;
  /** Bytes that had passed at the last look, and when that was. */
  passed: number;
  restingSince: Millis;
}

/** Takes the connections of a socket, which somebody else has bound and made private, and counts them. */
export class McpSocketServer {
  /** Does not listen yet. */
  readonly server: Server;
  readonly #options: SocketServerOptions;
  readonly #limits: McpLimits;
  readonly #open = new Map<Socket, Connection>();
  #loading: Promise<OpenSession> | null = null;
  #closing = false;

  constructor(options: SocketServerOptions) {
    this.#options = options;
    this.#limits = { ...MCP_LIMITS, ...options.limits };
    // A client that has said all may still be waiting for its answers.
    this.server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#welcome(socket));
  }

  get connections(): number {
    return this.#open.size;
  }

  /** Takes no more connections, and ends those there are; what has not ended after `limit` is cut. */
  close(limit: Millis): Promise<{ readonly cut: number }> {
    this.#closing = true;
    return new Promise((resolve) => {
      let cut = 0;
      const late = setTimeout(() => {
        cut = this.#open.size;
        for (const socket of this.#open.keys()) socket.destroy();
      }, limit);
      this.server.close(() => {
        clearTimeout(late);
        resolve({ cut });
      });
      for (const [socket, { session }] of this.#open) {
        if (session === null) socket.destroy();
        else session.close();
      }
    });
  }

  #welcome(socket: Socket): void {
    // An `error` that nobody listens to ends the process.
    socket.on('error', () => socket.destroy());
    if (this.#open.size >= this.#limits.maxConnections && !this.#makeRoom()) {
      dismiss(socket, tooMany(this.#limits.maxConnections));
      return;
    }
    const connection: Connection = { session: null, passed: 0, restingSince: performance.now() };
    this.#open.set(socket, connection);
    socket.once('close', () => this.#open.delete(socket));
    this.#loading ??= this.#options.load();
    this.#loading.then(
      (open) => {
        if (!socket.destroyed && !this.#closing) connection.session = open(socket, this.#limits);
        else socket.destroy();
      },
      (defect: unknown) => {
        // The next client may have more luck: a file that is being replaced, for one.
        this.#loading = null;
        this.#options.onDefect(defect);
        dismiss(socket, notLoaded);
      },
    );
  }

  /** All places are taken: ends the connection that has been at rest for longest, if that is long enough. */
  #makeRoom(): boolean {
    const now = performance.now();
    let found: Socket | null = null;
    let since = now - this.#limits.restBeforeGivingWay;
    for (const [socket, connection] of this.#open) {
      const passed = socket.bytesRead + socket.bytesWritten;
      if (passed !== connection.passed) Object.assign(connection, { passed, restingSince: now });
      else if (connection.restingSince <= since) [found, since] = [socket, connection.restingSince];
    }
    if (found === null) return false;
    this.#open.get(found)?.session?.close();
    found.destroy();
    this.#open.delete(found);
    return true;
  }
}

/** Says why, and ends. */
function dismiss(socket: Socket, why: object): void {
  socket.end(`${JSON.stringify(why)}\n`);
  socket.resume();
  const late = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(late));
}
