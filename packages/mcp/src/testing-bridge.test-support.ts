import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { type JSONRPCMessage, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';

/** What the bridge has to know of a message. */
interface Frame {
  readonly id?: string | number;
  readonly method?: string;
}

/**
 * Streamable HTTP with sessions in front of a Unix socket, one connection for each session: the conformance suite
 * speaks HTTP only. It answers nothing itself; every message is the socket's.
 */
export class SocketBridge {
  readonly #path: string;
  readonly #sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  readonly #sockets = new Set<Socket>();

  constructor(path: string) {
    this.#path = path;
  }

  readonly fetch = (request: Request): Promise<Response> => {
    const id = request.headers.get('mcp-session-id');
    const known = id === null ? this.#begin() : this.#sessions.get(id);
    if (known === undefined) return Promise.resolve(new Response(null, { status: 404 }));
    return known.handleRequest(request);
  };

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #begin(): WebStandardStreamableHTTPServerTransport {
    const socket = connect({ path: this.#path });
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.setEncoding('utf8');
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void this.#sessions.set(id, transport),
    });
    /** Requests that are under way: what is no answer belongs to the oldest of them. */
    const asked: (string | number)[] = [];
    let rest = '';
    transport.onmessage = (message: JSONRPCMessage) => {
      const { id, method } = message as Frame;
      if (id !== undefined && method !== undefined) asked.push(id);
      socket.write(`${JSON.stringify(message)}\n`);
    };
    transport.onclose = () => socket.destroy();
    socket.on('close', () => void transport.close());
    socket.on('data', (text) => {
      const lines = (rest + String(text)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) void pass(JSON.parse(line) as JSONRPCMessage);
    });
    const pass = async (message: JSONRPCMessage): Promise<void> => {
      const { id, method } = message as Frame;
      if (method === undefined) {
        const at = asked.indexOf(id ?? '');
        if (at >= 0) asked.splice(at, 1);
        await transport.send(message);
        return;
      }
      const belongsTo = asked[0];
      await transport.send(message, belongsTo === undefined ? undefined : { relatedRequestId: belongsTo });
    };
    void transport.start();
    return transport;
  }
}
