import { createSocket, type Socket } from 'node:dgram';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { bytesOfAddress, textOfAddress } from '../../address-bytes.js';
import type { Endpoint, ListenError } from '../../contracts.js';
import type { Family } from '../../names/resolver.js';
import { listenErrorOf } from '../../stream-errors.js';

/** Bytes that the system has not taken yet; what comes on top is dropped, as a router would. */
const QUEUED_AT_MOST = 1_048_576;

/** A bound socket for datagrams. */
export interface UdpPort {
  readonly local: Endpoint;
  /** Whether it was taken. */
  send(payload: Uint8Array, to: Endpoint): boolean;
  close(): void;
}

export type OnDatagram = (payload: Uint8Array, from: Endpoint) => void;

/** `address`: null for the system's choice. IPv6 sockets carry IPv6 only. `payload` is the listener's to keep. */
export function openUdp(
  family: Family,
  address: string | null,
  onDatagram: OnDatagram,
): ResultAsync<UdpPort, ListenError> {
  return new ResultAsync(open(family, address, onDatagram));
}

function open(family: Family, address: string | null, onDatagram: OnDatagram): Promise<Result<UdpPort, ListenError>> {
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    // Only addresses are sent to, so there is nothing to look up.
    lookup: (host, _options, callback) => callback(null, host, family),
  });
  return new Promise((resolve) => {
    const onFailure = (error: NodeJS.ErrnoException): void => {
      socket.close();
      resolve(err(listenErrorOf(error)));
    };
    socket.once('error', onFailure);
    socket.bind({ address: address ?? (family === 6 ? '::' : '0.0.0.0'), port: 0, exclusive: true }, () => {
      socket.off('error', onFailure);
      // What the network answers to a datagram concerns nobody but the one it was for.
      socket.on('error', () => undefined);
      socket.on('message', (payload, from) => onDatagram(payload, { address: plain(from.address), port: from.port }));
      resolve(ok(portOf(socket)));
    });
  });
}

function portOf(socket: Socket): UdpPort {
  const { address, port } = socket.address();
  let closed = false;
  return {
    local: { address: plain(address), port },
    send(payload, to) {
      if (closed || socket.getSendQueueSize() > QUEUED_AT_MOST) return false;
      socket.send(payload, to.port, to.address, () => undefined);
      return true;
    },
    close() {
      if (!closed) socket.close();
      closed = true;
    },
  };
}

/** Canonical text without a zone. */
function plain(address: string): string {
  const bytes = bytesOfAddress(address);
  return bytes === null ? address : textOfAddress(bytes);
}
