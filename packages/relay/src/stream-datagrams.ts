import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { DatagramOptions, Endpoint, ListenError, Listening } from './contracts.js';
import { UDP_BACKLOG_BYTES, UDP_KERNEL_BYTES, UDP_LOOKS } from './limits.js';
import { connectErrorOf, listenErrorOf, type SystemError } from './stream-errors.js';
import { UdpSession } from './udp-session.js';

/** Carries datagrams over `node:dgram`, which reads them into 64 KiB, more than any can have: none is ever cut. */
export function streamDatagrams(options: DatagramOptions): ResultAsync<Listening, ListenError> {
  return new ResultAsync(bound(options.at)).map((socket) => {
    const sessions = new Sessions(socket, options);
    return { local: sessions.local, close: () => sessions.close() };
  });
}

/** One address, and a session for each of its peers. */
class Sessions {
  readonly local: Endpoint;
  readonly #options: DatagramOptions;
  readonly #socket: Socket;
  readonly #sweep: NodeJS.Timeout;
  /** By address and port; the peer that has been silent for longest first. */
  readonly #sessions = new Map<string, UdpSession>();
  #isClosed = false;

  constructor(socket: Socket, options: DatagramOptions) {
    this.#socket = socket;
    this.#options = options;
    this.local = { ...options.at, port: socket.address().port };
    this.#sweep = setInterval(() => this.#endIdle(), options.idle / UDP_LOOKS);
    this.#sweep.unref();
    socket.on('message', (bytes, from) => this.#receive(bytes, from));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#sweep);
    for (const session of [...this.#sessions.values()]) session.close('stopped');
    this.#socket.close();
  }

  #receive(bytes: Uint8Array, { address, port }: RemoteInfo): void {
    const peer = `${address} ${port}`;
    const session = this.#sessions.get(peer) ?? this.#begin(peer, { address, port }, bytes);
    if (session === null) return;
    this.#sessions.delete(peer);
    this.#sessions.set(peer, session);
    session.send(bytes);
  }

  #begin(peer: string, client: Endpoint, bytes: Uint8Array): UdpSession | null {
    const { admit, over, lost, peers } = this.#options;
    const admitted = admit(client, bytes);
    if (admitted === null) return null;
    if (this.#sessions.size >= peers) this.#makeRoom();
    return new UdpSession({
      ...admitted,
      reply: (reply) => this.#reply(reply, client),
      lost: () => lost(1),
      over: (fault) => {
        this.#sessions.delete(peer);
        over(fault === null ? null : connectErrorOf(fault));
      },
    });
  }

  #reply(bytes: Uint8Array, { address, port }: Endpoint): void {
    if (this.#isClosed) return;
    if (this.#socket.getSendQueueSize() > UDP_BACKLOG_BYTES) this.#options.lost(1);
    else this.#socket.send(bytes, port, address);
  }

  #makeRoom(): void {
    const [silent] = this.#sessions.values();
    silent?.close('idle');
  }

  #endIdle(): void {
    const since = performance.now() - this.#options.idle;
    for (const session of [...this.#sessions.values()]) if (session.usedAt <= since) session.close('idle');
  }
}

function bound(at: Endpoint): Promise<Result<Socket, ListenError>> {
  const isV6 = isIPv6(at.address);
  const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6, recvBufferSize: UDP_KERNEL_BYTES });
  return new Promise((resolve) => {
    socket.once('error', (error: SystemError) => {
      socket.close();
      resolve(err(listenErrorOf(error)));
    });
    socket.bind({ address: at.address, port: at.port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // An error here is one datagram's.
      socket.on('error', () => {});
      resolve(ok(socket));
    });
  });
}
