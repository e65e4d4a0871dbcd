import { createSocket } from 'node:dgram';
import { connect, isIPv4 } from 'node:net';
import type { Instant, Millis } from '@hurricane/core';

/** Where one probe goes, and from where. */
export interface SocketProbe {
  readonly target: string;
  readonly port: number;
  /** Null: as the host's own routes have it. */
  readonly source: string | null;
  readonly now: () => Instant;
}

export type SocketAnswer =
  /** The target spoke, be it only to turn us away. */
  | { readonly kind: 'answered'; readonly rtt: Millis }
  | { readonly kind: 'refused'; readonly reason: string }
  /** The source address is not on this host. */
  | { readonly kind: 'no_source' };

/** A probe under way. */
export interface OpenProbe {
  /** Lets go of its socket; nothing is told afterwards. */
  close(): void;
}

/** Sends one probe; calls `tell` at most once, never before it has returned. */
export type SendProbe = (probe: SocketProbe, tell: (answer: SocketAnswer) => void) => OpenProbe;

/** A TCP handshake. A closed port answers as well as an open one: only the host is asked for. */
export const sendTcpProbe: SendProbe = (probe, tell) => {
  const sentAt = probe.now();
  const { target: host, port, source } = probe;
  const socket = connect({ host, port, ...(source === null ? {} : { localAddress: source }) });
  const settle = once(tell, () => socket.resetAndDestroy());
  socket.on('connect', () => settle({ kind: 'answered', rtt: probe.now() - sentAt }));
  socket.on('error', (error: NodeJS.ErrnoException) => settle(answerOf(error, probe.now() - sentAt)));
  return { close: () => settle(null) };
};

/**
 * A datagram that any DNS server answers: the question for the root's SOA record (RFC 1035 section 4).
 * What does not speak DNS may still answer, or its host says that the port is closed.
 */
const QUESTION: Uint8Array = Uint8Array.of(
  ...[0x48, 0x75, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0], // id, recursion desired, one question
  ...[0, 0, 6, 0, 1], // the root, SOA, IN
);

/** One datagram from a socket of its own, so that whatever comes back is its answer. */
export const sendUdpProbe: SendProbe = (probe, tell) => {
  const socket = createSocket(isIPv4(probe.target) ? 'udp4' : 'udp6');
  let sentAt = probe.now();
  const settle = once(tell, () => socket.close());
  const answered = (): void => settle({ kind: 'answered', rtt: probe.now() - sentAt });
  socket.on('message', answered);
  socket.on('error', (error: NodeJS.ErrnoException) => settle(answerOf(error, probe.now() - sentAt)));
  const from = probe.source === null ? {} : { address: probe.source };
  socket.bind({ ...from, port: 0, exclusive: true }, () => {
    socket.connect(probe.port, probe.target, (error?: Error) => {
      // The declared type hides it: a failed connect is told here and nowhere else.
      if (error !== undefined) return settle(answerOf(error, 0));
      sentAt = probe.now();
      socket.send(QUESTION, (failure) => {
        if (failure !== null) settle(answerOf(failure, 0));
      });
    });
  });
  return { close: () => settle(null) };
};

function answerOf(error: NodeJS.ErrnoException, rtt: Millis): SocketAnswer {
  // A reset, or ICMPv6 "port unreachable": the target's own words.
  if (error.code === 'ECONNREFUSED') return { kind: 'answered', rtt };
  // connect(2) says EADDRNOTAVAIL too, when all local ports are in use; bind(2) means the address.
  if (error.code === 'EADDRNOTAVAIL' && error.syscall === 'bind') return { kind: 'no_source' };
  return { kind: 'refused', reason: error.code ?? error.message };
}

/** Ends a probe once, with an answer or without; frees it either way. */
function once(tell: (answer: SocketAnswer) => void, free: () => void): (answer: SocketAnswer | null) => void {
  let over = false;
  return (answer) => {
    if (over) return;
    over = true;
    free();
    if (answer !== null) tell(answer);
  };
}
