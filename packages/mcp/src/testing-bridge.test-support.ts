import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type JSONRPCMessage, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';

/** What the bridge has to know of a message. */
interface Frame {
  readonly id?: string | number;
  readonly method?: string;
}

/**
 * Streamable HTTP in front of a Unix socket, one connection for each session or, in the modern era, for each request:
 * the conformance suite speaks HTTP only. It answers nothing itself; every message is the socket's.
 */
export class SocketBridge {
  readonly #path: string;
  readonly #sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  readonly #sockets = new Set<Socket>();

  constructor(path: string) {
    this.#path = path;
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    const id = request.headers.get('mcp-session-id');
    if (id === null && request.headers.get('mcp-protocol-version') === '2026-07-28') return this.#once(request);
    const known = id === null ? this.#begin() : this.#sessions.get(id);
    if (known === undefined) return new Response(null, { status: 404 });
    return known.handleRequest(request);
  };

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** The modern era has no sessions: a connection for each request, and all that it says up to the answer. */
  async #once(request: Request): Promise<Response> {
    const asked = (await request.json()) as Frame;
    const socket = this.#connected();
    socket.write(`${JSON.stringify(asked)}\n`);
    if (asked.id === undefined) {
      socket.end();
      return new Response(null, { status: 202 });
    }
    const said: string[] = [];
    for await (const line of createInterface({ input: socket })) {
      said.push(line);
      const { id, method } = JSON.parse(line) as Frame;
      if (method === undefined && id === asked.id) break;
    }
    socket.destroy();
    const body = said.map((line) => `data: ${line}\n\n`).join('');
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  }

  #connected(): Socket {
    const socket = connect({ path: this.#path });
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    return socket.setEncoding('utf8');
  }

  #begin(): WebStandardStreamableHTTPServerTransport {
    const socket = this.#connected();
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
