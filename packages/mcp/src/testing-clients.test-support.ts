import { connect, type Socket } from 'node:net';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** The client's end of a socket, as both lines of the SDK want it. */
export class ClientSocket {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #path: string;
  #socket: Socket | null = null;
  #rest = '';

  constructor(path: string) {
    this.#path = path;
  }

  start(): Promise<void> {
    const socket = connect({ path: this.#path });
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text) => this.#take(String(text)));
    socket.on('close', () => this.onclose?.());
    return new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  }

  send(message: unknown): Promise<void> {
    this.#socket?.write(`${JSON.stringify(message)}\n`);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#socket?.destroy();
    return Promise.resolve();
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.onmessage?.(JSON.parse(line) as JSONRPCMessage);
  }
}

const INFO = { name: 'test', version: '1' };

/** `@modelcontextprotocol/sdk` 1.x. */
export async function v1Client(path: string): Promise<V1Client> {
  const client = new V1Client(INFO);
  await client.connect(new ClientSocket(path));
  return client;
}

/** How a client of SDK 2.x chooses the era: not at all, by asking, or that one and no other. */
export type Negotiation = 'legacy' | 'auto' | { readonly pin: '2026-07-28' };

export async function v2Client(path: string, mode: Negotiation): Promise<ModernClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode } });
  await client.connect(new ClientSocket(path));
  return client;
}
