import { mkdtemp, rm } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp, type GatewayApp } from './app.js';
import type { AppOptions } from './app-options.js';
import { type Listener, type ServeLimits, serve, serveSocket } from './node.js';
import { departureOf } from './testing-conformance.test-support.js';
import { aStatus } from './testing-status.test-support.js';

export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** One way to reach an app: the same questions must get the same answers by each. */
export interface Client {
  /** The port the app believes to be listening on. */
  readonly port: number;
  ask(path: string, how?: Ask): Promise<Reply>;
  end(): Promise<void>;
}

/** How long any one answer of a server on loopback may take before a test gives up. */
const PATIENCE = 15_000;

/** An app over the sample status, or what `options` say. Collects defects. */
export function anApp(options: Partial<AppOptions> = {}): { app: GatewayApp; defects: unknown[] } {
  const defects: unknown[] = [];
  const status = aStatus();
  const app = createApp({
    gateway: { status: () => status },
    version: '1.2.3',
    onDefect: (defect) => defects.push(defect),
    ...options,
  });
  return { app, defects };
}

/** The same client, which throws when an answer is not what the OpenAPI document promises. */
function held(client: Client): Client {
  const ask: Client['ask'] = async (path, how) => {
    const reply = await client.ask(path, how);
    const departure = departureOf(how?.method ?? 'GET', path, reply);
    if (departure !== null) throw new Error(departure);
    return reply;
  };
  return { ...client, ask };
}

/** Calls the app without any server, as Hono's own `app.request` does. */
export async function inProcess(app: GatewayApp): Promise<Client> {
  const port = 8642;
  return held({
    port,
    ask: async (path, how = {}) => {
      const { host = `127.0.0.1:${port}`, ...others } = how.headers ?? {};
      const env = { arrival: { address: '127.0.0.1', port } };
      const body = how.body === undefined ? {} : { body: how.body };
      const init = { method: how.method ?? 'GET', headers: { host, ...others }, ...body };
      const response = await app.request(`http://127.0.0.1:${port}${path}`, init, env);
      return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
    },
    end: async () => undefined,
  });
}

/** Asks a real server on loopback, with a connection for each question. */
export async function overTcp(app: GatewayApp): Promise<Client> {
  const listener = await listen(app);
  return held({
    port: listener.port,
    ask: (path, how) => askOnce({ host: '127.0.0.1', port: listener.port }, path, how),
    end: async () => {
      await listener.close(1_000);
    },
  });
}

/** Asks a real server on a Unix socket of its own, with a connection for each question. */
export async function overUnixSocket(app: GatewayApp): Promise<Client> {
  const folder = await mkdtemp(join(tmpdir(), 'hurricane-http-'));
  const path = join(folder, 'api.sock');
  const listener = (await serveSocket({ app, path, group: null, onDefect: expectNone }))._unsafeUnwrap();
  return held({
    // There are no ports: any will do, as any Host will.
    port: 8642,
    ask: (asked, how) => askOnce({ socketPath: path }, asked, how),
    end: async () => {
      await listener.close(1_000);
      await rm(folder, { recursive: true });
    },
  });
}

/** One question on a connection of its own. */
export function askOnce(where: RequestOptions, path: string, how: Ask = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...where,
        path,
        method: how.method ?? 'GET',
        headers: { ...how.headers },
        agent: false,
        timeout: PATIENCE,
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (piece) => {
          text += piece;
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: flat(incoming.headers), text }));
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${PATIENCE} ms`)));
    outgoing.on('error', reject).end(how.body);
  });
}

/** A server on a free port of 127.0.0.1. */
export async function listen(app: GatewayApp, limits: Partial<ServeLimits> = {}): Promise<Listener> {
  const listening = await serve({ app, bind: '127.0.0.1', port: 0, limits, onDefect: expectNone });
  return listening._unsafeUnwrap();
}

/** A bare TCP connection that keeps everything it is told. */
export class RawClient {
  readonly socket: Socket;
  #heard = '';
  #closed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').setNoDelay(true);
    socket.on('data', (piece: string) => {
      this.#heard += piece;
      this.#wake();
    });
    // A reset is one of the ends a test may see; `close` follows it.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** `stubborn`: keeps its side of the connection open when the server has closed its own. */
  static connect(port: number, host = '127.0.0.1', stubborn = false): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, allowHalfOpen: stubborn });
      const client = new RawClient(socket);
      socket.once('connect', () => resolve(client)).once('error', reject);
    });
  }

  /** Resolves when the kernel has taken `text`. */
  send(text: string): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, () => resolve()));
  }

  /** Everything heard, once the connection is closed. */
  untilClosed(): Promise<string> {
    return this.#until(() => this.#closed, 'the connection to close');
  }

  /** Everything heard, once `count` whole answers with a body are among it. */
  untilAnswers(count: number): Promise<string> {
    return this.#until(() => answersIn(this.#heard).length >= count, `${count} answers`);
  }

  async #until(done: () => boolean, what: string): Promise<string> {
    const deadline = Date.now() + PATIENCE;
    while (!done()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`waited ${PATIENCE} ms for ${what}; heard: ${this.#heard}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#heard;
  }
}

/** The whole answers at the head of `text`, each of which must have a Content-Length. */
export function answersIn(text: string): readonly Reply[] {
  const answers: Reply[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return answers;
    const [statusLine = '', ...fields] = rest.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(
      fields.map((field): [string, string] => [
        field.slice(0, field.indexOf(':')).toLowerCase(),
        field.slice(field.indexOf(':') + 1).trim(),
      ]),
    );
    const length = Number(headers['content-length']);
    if (Number.isNaN(length)) throw new Error(`an answer without Content-Length: ${rest}`);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length < length) return answers;
    answers.push({ status: Number(statusLine.split(' ')[1]), headers, text: body });
    rest = rest.slice(end + 4 + length);
  }
}

function flat(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]));
}

/** For servers that are not to meet a defect. */
export function expectNone(defect: unknown): void {
  throw new Error('the server reported a defect', { cause: defect });
}
