import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { Carrier } from './carrier.js';
import type { Endpoint, ListenError } from './contracts.js';
import { UDP_BACKLOG_BYTES, UDP_IDLE_LIMIT, UDP_PEERS_AT_MOST } from './limits.js';
import type { Passage, PassageDeps } from './passage.js';
import { connectErrorOf, listenErrorOf, type SystemError } from './stream-errors.js';
import { UdpSession } from './udp-session.js';

export interface UdpLimits {
  readonly idle: number;
  readonly peers: number;
}

const UDP_LIMITS: UdpLimits = { idle: UDP_IDLE_LIMIT, peers: UDP_PEERS_AT_MOST };

/** How many times in one idle limit the silent are looked for. */
const LOOKS = 10;

/** What the kernel may hold of datagrams that nobody has read yet, where it allows as much: bursts of new peers. */
const RECEIVE_BUFFER = 1_048_576;

/**
 * Takes datagrams at one address and keeps a session for each peer.
 *
 * Node reads datagrams into 64 KiB, more than any can have, so that none is ever cut.
 */
export class UdpCarrier implements Carrier {
  readonly #at: Endpoint;
  readonly #passage: Passage;
  readonly #deps: PassageDeps;
  readonly #limits: UdpLimits;
  /** By address and port; the peer that has been silent for longest first. */
  readonly #sessions = new Map<string, UdpSession>();
  #socket: Socket | null = null;
  #taking = false;
  #sweep: NodeJS.Timeout | null = null;

  constructor(at: Endpoint, passage: Passage, deps: PassageDeps, limits: UdpLimits = UDP_LIMITS) {
    this.#at = at;
    this.#passage = passage;
    this.#deps = deps;
    this.#limits = limits;
  }

  get at(): Endpoint {
    return this.#socket === null ? this.#at : { ...this.#at, port: this.#socket.address().port };
  }

  get idle(): boolean {
    return this.#socket === null;
  }

  take(): ResultAsync<void, ListenError> {
    this.#taking = true;
    if (this.#socket !== null) return okAsync(undefined);
    return new ResultAsync(bound(this.#at)).map((socket) => {
      this.#socket = socket;
      socket.on('message', (bytes, from) => this.#receive(bytes, from));
      this.#sweep = setInterval(() => this.#endIdle(), this.#limits.idle / LOOKS);
      this.#sweep.unref();
    });
  }

  /** The socket stays for as long as peers have sessions: their replies have to come from its address and port. */
  async rest(): Promise<void> {
    this.#taking = false;
    this.#closeIfDone();
  }

  #receive(bytes: Uint8Array, { address, port }: RemoteInfo): void {
    const { nonces } = this.#deps;
    if (nonces.mayComeFrom(address) && nonces.takes(bytes)) return;
    const peer = `${address} ${port}`;
    const session = this.#sessions.get(peer) ?? this.#begin(peer, { address, port });
    if (session === null) return;
    this.#sessions.delete(peer);
    this.#sessions.set(peer, session);
    session.send(bytes);
  }

  #begin(peer: string, client: Endpoint): UdpSession | null {
    if (!this.#taking) return this.#drop('no_way');
    const onward = this.#passage.onward(this.at);
    if (onward === null) return this.#drop('no_way');
    if (this.#sessions.size >= this.#limits.peers) this.#makeRoom();
    const { origin } = this.#passage;
    const facts = { kind: 'udp', origin, client, target: onward.to, tunnel: onward.tunnel } as const;
    const opened = this.#deps.flows.open(facts);
    if (opened.isErr()) return null;
    return new UdpSession({
      onward,
      flow: opened.value,
      reply: (bytes) => this.#reply(bytes, client),
      dropped: () => this.#drop('dropped'),
      over: (fault) => {
        if (fault !== null) this.#drop(connectErrorOf(fault).kind);
        this.#sessions.delete(peer);
        this.#closeIfDone();
      },
    });
  }

  #reply(bytes: Uint8Array, { address, port }: Endpoint): void {
    const socket = this.#socket;
    if (socket === null) return;
    if (socket.getSendQueueSize() > UDP_BACKLOG_BYTES) this.#drop('dropped');
    else socket.send(bytes, port, address);
  }

  #drop(kind: Parameters<PassageDeps['faults']['count']>[1]): null {
    this.#deps.faults.count('udp', kind);
    return null;
  }

  #makeRoom(): void {
    const [silent] = this.#sessions.values();
    silent?.close('idle');
  }

  #endIdle(): void {
    const since = performance.now() - this.#limits.idle;
    for (const session of [...this.#sessions.values()]) if (session.usedAt <= since) session.close('idle');
  }

  #closeIfDone(): void {
    if (this.#taking || this.#sessions.size > 0) return;
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#socket?.close();
    this.#socket = null;
  }
}

function bound(at: Endpoint): Promise<Result<Socket, ListenError>> {
  const isV6 = isIPv6(at.address);
  const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6, recvBufferSize: RECEIVE_BUFFER });
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
