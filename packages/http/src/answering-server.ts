import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import { type Answer, problemAnswer, toResponse } from './answers.js';
import type { AppEnv } from './app-options.js';
import { Connections } from './connections.js';
import type { Arrival } from './guard.js';
import { SERVE_LIMITS, type ServeLimits, SURPLUS_CONNECTIONS } from './limits.js';
import type { ApiProblem } from './problems.js';
import type { QuickReads } from './quick-reads.js';
import { boundUnreadBody } from './unread-body.js';

/** What every way of listening needs. */
export interface ServerOptions {
  /** What `createApp` returns, or a larger app that it is mounted in. */
  readonly app: {
    fetch(request: Request, env: AppEnv['Bindings']): Response | Promise<Response>;
    readonly quick?: QuickReads;
  };
  readonly limits?: Partial<ServeLimits>;
  /** Told what went wrong in this server itself. Should log it. */
  readonly onDefect: (defect: unknown) => void;
}

/** A server that answers as `app` does and does not listen yet. */
export interface AnsweringServer {
  readonly server: Server;
  readonly connections: Connections;
}

/** @param arrivalOf what the app is told about a connection; null when its client has gone. */
export function answeringServer(
  options: ServerOptions,
  arrivalOf: (socket: Socket) => Arrival | null,
): AnsweringServer {
  const limits: ServeLimits = { ...SERVE_LIMITS, ...options.limits };
  const server = boundedServer(limits);
  const connections = Connections.of(server, limits.maxConnections);
  answerRequests(server, connections, options, arrivalOf);
  answerTheUnreadable(server, connections);
  return { server, connections };
}

function boundedServer(limits: ServeLimits): Server {
  const server = createServer({
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    connectionsCheckingInterval: limits.timeoutCheck,
    keepAliveTimeout: limits.keepAliveTimeout,
    maxHeaderSize: limits.maxHeaderSize,
    // Node would answer a missing Host itself, without our header fields.
    requireHostHeader: false,
  });
  server.timeout = limits.stallTimeout;
  server.maxConnections = limits.maxConnections + SURPLUS_CONNECTIONS;
  // Node drops fields above a count without a word, and the one dropped could be the Origin. Their size is bounded.
  server.maxHeadersCount = 0;
  return server;
}

function answerRequests(
  server: Server,
  connections: Connections,
  options: ServerOptions,
  arrivalOf: (socket: Socket) => Arrival | null,
): void {
  const errorHandler = (thrown: unknown): Response => {
    if (thrown instanceof RequestError) {
      return toResponse(problemAnswer({ kind: 'bad_request', problem: 'has a target or a Host that is not valid' }));
    }
    options.onDefect(thrown);
    return toResponse(problemAnswer({ kind: 'defect' }));
  };
  const envOf = (socket: Socket): AppEnv['Bindings'] => {
    const arrival = arrivalOf(socket);
    return arrival === null ? {} : { arrival };
  };
  const ask = getRequestListener((request, { incoming }) => options.app.fetch(request, envOf(incoming.socket)), {
    errorHandler,
  });
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { socket } = incoming;
    if (connections.mayAnswerAtOnce(socket, outgoing)) {
      const quick = options.app.quick?.(incoming, arrivalOf(socket)) ?? null;
      if (quick !== null) return send(outgoing, quick);
    }
    connections.begin(socket, outgoing);
    const surplus = connections.isSurplus(socket);
    boundUnreadBody(incoming, outgoing);
    const problem = objectionTo(incoming, surplus);
    if (problem !== null) return send(outgoing, problemAnswer(problem));
    ask(incoming, outgoing).catch((thrown: unknown) => {
      options.onDefect(thrown);
      outgoing.destroy();
    });
  });
  server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    connections.begin(incoming.socket, outgoing);
    send(outgoing, problemAnswer({ kind: 'expectation_failed' }));
  });
}

/** Clients that never get as far as a request: malformed, too large, too slow, or after a tunnel (CONNECT). */
function answerTheUnreadable(server: Server, connections: Connections): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    connections.dismiss(socket as Socket, toWire(problemAnswer(problemOf(error))));
  });
  server.on('connect', (_incoming, socket) => {
    // Node has taken its own listeners off by now, and an `error` nobody listens to ends the process.
    socket.on('error', () => socket.destroy());
    const problem: ApiProblem = { kind: 'method_not_allowed', method: 'CONNECT', allowed: ['GET', 'HEAD'] };
    connections.dismiss(socket as Socket, toWire(problemAnswer(problem)));
  });
}

/** @param error what Node's parser or its time-outs say. */
function problemOf(error: NodeJS.ErrnoException): ApiProblem {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return { kind: 'headers_too_large' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { kind: 'too_slow' };
    default:
      return { kind: 'bad_request', problem: 'is not valid HTTP/1.1' };
  }
}

/** What keeps a readable request from the app, or null. */
function objectionTo(incoming: IncomingMessage, surplus: boolean): ApiProblem | null {
  if (surplus) return { kind: 'too_many_connections' };
  // The app cannot see this: with an absolute-form target there is an authority all the same. HTTP/1.0 gets no
  // exception, since every client of this age sends one.
  if (!incoming.headers.host) return { kind: 'bad_request', problem: 'has no Host' };
  return null;
}

/** An answer as Node takes it fastest. */
interface Prepared {
  /** Names and values by turns. */
  readonly fields: readonly string[];
  readonly encoding: 'latin1' | 'utf8';
}

/** Some answers are given again and again. */
const prepared = new WeakMap<Answer, Prepared>();

function prepare(answer: Answer): Prepared {
  const known = prepared.get(answer);
  if (known !== undefined) return known;
  const bytes = Buffer.byteLength(answer.body);
  const fields = [...Object.entries(answer.headers).flat(), 'content-length', `${bytes}`];
  // Nothing but ASCII is the same in both, and not looked at character by character in the second.
  const made: Prepared = { fields, encoding: bytes === answer.body.length ? 'latin1' : 'utf8' };
  prepared.set(answer, made);
  return made;
}

function send(outgoing: ServerResponse, answer: Answer): void {
  const { fields, encoding } = prepare(answer);
  outgoing.writeHead(answer.status, fields as string[]);
  outgoing.end(answer.body, encoding);
}

/** An answer as bytes, for connections that have no request to answer to. */
function toWire(answer: Answer): string {
  const headers = { ...answer.headers, 'content-length': Buffer.byteLength(answer.body), connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${answer.status} ${answer.title}\r\n${lines.join('')}\r\n${answer.body}`;
}
