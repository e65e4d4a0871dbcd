import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, Insight } from '@hurricane/core';
import { MemoryPortMappings, Stage, simulatedConfig, simulatedTunnel } from '@hurricane/core/testing';
import { bindPrivately } from '@hurricane/http/node';
import { type McpSocketOptions, McpSocketServer, mcpSocketServer } from './node.js';
import type { OfferOptions } from './offer.js';
import type { OpenSession } from './socket-server.js';

/** Of tunnel `he`. */
export const HE_ADDRESS = '2001:db8:1::2';

export const TWO_TUNNELS: Config = simulatedConfig({
  tunnels: [
    simulatedTunnel('he', { type: 'he_6in4', address: HE_ADDRESS }),
    simulatedTunnel('wg', { address: '2001:db8:2::2', priority: 1 }),
  ],
});

/** A running gateway in a simulated world, and all that MCP asks of it. */
export interface McpStage extends OfferOptions {
  readonly stage: Stage;
  /** What was told of what changed something. */
  readonly audited: readonly string[];
}

export async function mcpStage(config: Config = TWO_TUNNELS): Promise<McpStage> {
  const stage = new Stage({ config });
  const insight = new Insight(stage.gateway);
  stage.gateway.start();
  await stage.run(10_000);
  const ports = new MemoryPortMappings({ addresses: () => [HE_ADDRESS], reserved: [8642], limit: 64, now: () => 1 });
  const audited: string[] = [];
  return { stage, gateway: stage.gateway, insight, ports, version: '1.2.3', audited };
}

/** The same, in exposure mode `proxy` and with the tools that change something. */
export async function controlledStage(): Promise<McpStage> {
  const proxy = { ...TWO_TUNNELS, exposure: { ...TWO_TUNNELS.exposure, mode: 'proxy' as const } };
  const stage = await mcpStage(proxy);
  const audited: string[] = [];
  return { ...stage, audited, control: (line) => void audited.push(line) };
}

/** A server on a socket of its own, which goes with everything it has open. */
export interface Served extends AsyncDisposable {
  readonly path: string;
  readonly server: McpSocketServer;
  readonly defects: readonly unknown[];
}

export async function served(options: OfferOptions & Pick<McpSocketOptions, 'limits'>): Promise<Served> {
  const defects: unknown[] = [];
  return listening(mcpSocketServer({ ...options, onDefect: (defect) => void defects.push(defect) }), defects);
}

/** The same for sessions of another make. */
export function servedWith(open: OpenSession): Promise<Served> {
  const defects: unknown[] = [];
  const onDefect = (defect: unknown): void => void defects.push(defect);
  return listening(new McpSocketServer({ load: () => Promise.resolve(open), onDefect }), defects);
}

async function listening(server: McpSocketServer, defects: readonly unknown[]): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-'));
  const bound = await bindPrivately(server.server, { path: join(folder, 's'), mode: 0o600, onDefect: () => undefined });
  return {
    path: bound._unsafeUnwrap(),
    server,
    defects,
    [Symbol.asyncDispose]: async () => {
      await server.close(100);
      await rm(folder, { recursive: true });
    },
  };
}

/** What a server says to a request. */
export interface Answer {
  readonly id: string | number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** A client that knows lines and nothing else. */
export class LineClient {
  readonly socket: Socket;
  readonly #lines: string[] = [];
  #rest = '';
  #wake: (() => void) | null = null;
  #nextId = 1;
  ended = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text) => this.#take(String(text)));
    socket.on('error', () => undefined);
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.ended = true;
        this.#wake?.();
      });
  }

  static to(path: string): Promise<LineClient> {
    const socket = connect({ path, allowHalfOpen: true });
    const client = new LineClient(socket);
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(client));
      socket.once('error', reject);
    });
  }

  send(...messages: readonly unknown[]): void {
    for (const message of messages)
      this.socket.write(typeof message === 'string' ? message : `${JSON.stringify(message)}\n`);
  }

  /** The next line, parsed; null: the server has ended the connection. */
  async next(): Promise<Readonly<Record<string, unknown>> | null> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
      if (this.ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The answer to a request, whatever comes before it. Fails when the server ends the connection. */
  async ask(method: string, params?: object, id: string | number = this.#nextId++): Promise<Answer> {
    this.send({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) });
    for (let line = await this.next(); line !== null; line = await this.next())
      if (line['id'] === id) return line as unknown as Answer;
    throw new Error(`the connection has ended before ${method} was answered`);
  }

  call(name: string, given?: object): Promise<Answer> {
    return this.ask('tools/call', { name, ...(given === undefined ? {} : { arguments: given }) });
  }

  /** Begins a conversation of the legacy era. */
  async initialize(protocolVersion = '2025-11-25'): Promise<Answer> {
    const clientInfo = { name: 'test', version: '1' };
    const answer = await this.ask('initialize', { protocolVersion, capabilities: {}, clientInfo }, 'init');
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }

  close(): void {
    this.socket.destroy();
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.#lines.push(...lines);
    this.#wake?.();
  }
}
