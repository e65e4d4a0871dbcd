import { connect, createServer, type Server, type Socket } from 'node:net';
import type {
  ConnectError,
  ConnectOptions,
  Endpoint,
  Engine,
  Flow,
  FlowEnd,
  Leg,
  LegError,
  ListenError,
  Listening,
} from '@hurricane/relay';
import { err, ok, type Result, ResultAsync } from 'neverthrow';

// The smallest engine that keeps its contract, out of `node:net`: for tests of what stands on engines.

/** How long a side that has been told the end may go on talking. */
const LINGER = 2_000;

class NetLeg implements Leg {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly socket: Socket;
  broken: LegError | null = null;
  #unread: Uint8Array[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    this.local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    this.remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.broken = error.code === 'ECONNRESET' ? { kind: 'reset' } : { kind: 'failed', code: error.code ?? 'unknown' };
    });
  }

  read(signal?: AbortSignal): ResultAsync<Uint8Array | null, LegError> {
    return new ResultAsync(this.#read(signal));
  }

  unread(bytes: Uint8Array): void {
    this.#unread.unshift(bytes);
  }

  write(bytes: Uint8Array): ResultAsync<void, LegError> {
    return new ResultAsync(
      new Promise((resolve) => {
        this.socket.write(bytes, (error) => resolve(error ? err(this.broken ?? { kind: 'closed' }) : ok(undefined)));
      }),
    );
  }

  end(): void {
    this.socket.end();
    this.socket.resume();
    const timer = setTimeout(() => this.socket.destroy(), LINGER);
    this.socket.once('close', () => clearTimeout(timer));
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** What was put back, for whoever carries on. */
  takeUnread(): readonly Uint8Array[] {
    return this.#unread.splice(0);
  }

  async #read(signal: AbortSignal | undefined): Promise<Result<Uint8Array | null, LegError>> {
    for (;;) {
      const chunk = this.#unread.shift() ?? (this.socket.read() as Uint8Array | null);
      if (chunk !== null) return ok(chunk);
      if (signal?.aborted === true) return err({ kind: 'aborted' });
      if (this.broken !== null) return err(this.broken);
      if (this.socket.readableEnded) return ok(null);
      if (this.socket.destroyed) return err({ kind: 'closed' });
      await this.#something(signal);
    }
  }

  #something(signal: AbortSignal | undefined): Promise<void> {
    const events = ['readable', 'end', 'close'] as const;
    return new Promise((resolve) => {
      const done = (): void => {
        for (const event of events) this.socket.off(event, done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      for (const event of events) this.socket.on(event, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}

export const netEngine: Engine = {
  name: 'stream',
  listen: (at, accept) => new ResultAsync(listen(at, accept)),
  connect: (options) => new ResultAsync(dial(options)),
  join,
};

function listen(at: Endpoint, accept: (leg: Leg) => void): Promise<Result<Listening, ListenError>> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false, noDelay: true }, (socket) =>
    accept(new NetLeg(socket)),
  );
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(err(error.code === 'EADDRINUSE' ? { kind: 'taken' } : { kind: 'failed', code: error.code ?? 'unknown' })),
    );
    server.listen({ host: at.address, port: at.port, ipv6Only: at.address.includes(':') }, () =>
      resolve(ok(listeningOf(server))),
    );
  });
}

function listeningOf(server: Server): Listening {
  const { address, port } = server.address() as { readonly address: string; readonly port: number };
  return { local: { address, port }, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

const KINDS: Readonly<Record<string, Exclude<ConnectError['kind'], 'failed'>>> = {
  ECONNREFUSED: 'refused',
  ENETUNREACH: 'network_unreachable',
  EHOSTUNREACH: 'host_unreachable',
  ETIMEDOUT: 'timed_out',
  EADDRNOTAVAIL: 'no_source',
};

function dial({ to, source, timeout, signal }: ConnectOptions): Promise<Result<Leg, ConnectError>> {
  return new Promise((resolve) => {
    const from = source === null ? {} : { localAddress: source };
    const socket = connect({ host: to.address, port: to.port, allowHalfOpen: true, autoSelectFamily: false, ...from });
    const settle = (result: Result<Leg, ConnectError>): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (result.isErr()) socket.destroy();
      resolve(result);
    };
    const onAbort = (): void => settle(err({ kind: 'aborted' }));
    const timer = setTimeout(() => settle(err({ kind: 'timed_out' })), timeout);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.setNoDelay(true);
    socket.once('connect', () => settle(ok(new NetLeg(socket))));
    socket.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
      const kind = KINDS[code];
      settle(err(kind === undefined ? { kind: 'failed', code } : { kind }));
    });
  });
}

async function join(near: Leg, far: Leg, flow: Flow): Promise<FlowEnd> {
  if (!(near instanceof NetLeg) || !(far instanceof NetLeg)) throw new Error('a leg of another engine');
  const cut = (): void => {
    near.reset();
    far.reset();
  };
  if (flow.signal.aborted) cut();
  flow.signal.addEventListener('abort', cut, { once: true });
  await Promise.all([
    carry(near, far, (bytes) => flow.count(bytes, 0)),
    carry(far, near, (bytes) => flow.count(0, bytes)),
  ]);
  const own = near.broken === null && far.broken === null ? 'finished' : 'reset';
  const end = flow.signal.aborted ? (flow.signal.reason as FlowEnd) : own;
  flow.closed(end);
  return end;
}

/** Until `from` has closed. */
function carry(from: NetLeg, to: NetLeg, count: (bytes: number) => void): Promise<void> {
  for (const bytes of from.takeUnread()) {
    count(bytes.length);
    to.socket.write(bytes);
  }
  from.socket.on('data', (bytes: Buffer) => count(bytes.length));
  from.socket.pipe(to.socket);
  return new Promise((resolve) => {
    const closed = (): void => {
      if (from.broken !== null) to.reset();
      resolve();
    };
    if (from.socket.destroyed) closed();
    else from.socket.once('close', closed);
  });
}
