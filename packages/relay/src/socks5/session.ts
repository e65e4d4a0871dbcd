import { type Credentials, METHODS, type Read, type Request, type RequestFault } from './codec.js';
import { readCredentials, readGreeting, readRequest } from './codec-read.js';
import { writeMethod, writeReply, writeVerdict } from './codec-write.js';
import { replyToFault } from './reply.js';

// The handshake as a pure machine: bytes in, actions out. It owns no socket, no timer and no password, so that it
// can be run wherever an engine lives.

export interface Session {
  readonly phase: 'greeting' | 'password' | 'verdict' | 'request' | 'served' | 'ended';
  /** What it asks of clients. */
  readonly method: 'none' | 'password';
  /** Received and not yet read: the beginning of a message, or what came before it was its turn. */
  readonly pending: Uint8Array;
}

/** Why a handshake came to nothing. */
export type SessionEnd =
  | { readonly kind: 'not_socks5'; readonly version: number }
  | { readonly kind: 'no_method'; readonly offered: number }
  | { readonly kind: 'bad_password_message' }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'bad_request'; readonly fault: RequestFault };

/** What whoever holds the connection has to do, in this order. */
export type Action =
  | { readonly type: 'send'; readonly bytes: Uint8Array }
  /** Check these, and go on with `judged`. */
  | { readonly type: 'verify'; readonly credentials: Credentials }
  /** The handshake is done. `rest` came after the request, and belongs to the connection. */
  | { readonly type: 'serve'; readonly request: Request; readonly rest: Uint8Array }
  /** Close, once what was sent has arrived. */
  | { readonly type: 'end'; readonly why: SessionEnd };

export interface Step {
  readonly session: Session;
  readonly actions: readonly Action[];
}

/** `isGreeted`: its greeting was read and `none` was chosen, by somebody else; its request comes next. */
export function openSession(method: Session['method'], isGreeted = false): Session {
  return { phase: isGreeted ? 'request' : 'greeting', method, pending: NOTHING };
}

/** The client has sent something. */
export function receive(session: Session, bytes: Uint8Array): Step {
  if (session.phase === 'ended') return { session, actions: [] };
  return advance({ ...session, pending: joined(session.pending, bytes) });
}

/** The credentials have been checked. */
export function judged(session: Session, accepted: boolean): Step {
  if (session.phase !== 'verdict') return { session, actions: [] };
  const verdict: Action = { type: 'send', bytes: writeVerdict(accepted) };
  if (!accepted) return ended(session, [verdict], { kind: 'rejected' });
  return after([verdict], advance({ ...session, phase: 'request' }));
}

function advance(session: Session): Step {
  switch (session.phase) {
    case 'greeting':
      return greet(session);
    case 'password':
      return takeCredentials(session);
    case 'request':
      return takeRequest(session);
    case 'verdict':
    case 'served':
    case 'ended':
      return { session, actions: [] };
  }
}

function greet(session: Session): Step {
  const greeting = readGreeting(session.pending);
  if (greeting.kind === 'more') return { session, actions: [] };
  const refusal: Action = { type: 'send', bytes: writeMethod('unacceptable') };
  if (greeting.kind === 'bad') {
    // A client of another protocol would take our answer for one of its own.
    if (greeting.fault === 'wrong_version')
      return ended(session, [], { kind: 'not_socks5', version: session.pending[0] ?? 0 });
    return ended(session, [refusal], { kind: 'no_method', offered: 0 });
  }
  // RFC 1928 section 3: only what was offered may be chosen.
  if (!greeting.value.includes(METHODS[session.method]))
    return ended(session, [refusal], { kind: 'no_method', offered: greeting.value.length });
  const chosen: Action = { type: 'send', bytes: writeMethod(session.method) };
  const phase = session.method === 'password' ? 'password' : 'request';
  return after([chosen], advance({ ...session, phase, pending: beyond(session, greeting) }));
}

function takeCredentials(session: Session): Step {
  const credentials = readCredentials(session.pending);
  if (credentials.kind === 'more') return { session, actions: [] };
  if (credentials.kind === 'bad')
    return ended(session, [{ type: 'send', bytes: writeVerdict(false) }], { kind: 'bad_password_message' });
  const next: Session = { ...session, phase: 'verdict', pending: beyond(session, credentials) };
  return { session: next, actions: [{ type: 'verify', credentials: credentials.value }] };
}

function takeRequest(session: Session): Step {
  const request = readRequest(session.pending);
  if (request.kind === 'more') return { session, actions: [] };
  if (request.kind === 'bad') {
    const reply: Action = { type: 'send', bytes: writeReply(replyToFault(request.fault), null) };
    return ended(session, [reply], { kind: 'bad_request', fault: request.fault });
  }
  const rest = beyond(session, request);
  return {
    session: { ...session, phase: 'served', pending: NOTHING },
    actions: [{ type: 'serve', request: request.value, rest }],
  };
}

const NOTHING = new Uint8Array(0);

function ended(session: Session, actions: readonly Action[], why: SessionEnd): Step {
  return { session: { ...session, phase: 'ended', pending: NOTHING }, actions: [...actions, { type: 'end', why }] };
}

const after = (actions: readonly Action[], { session, actions: further }: Step): Step => ({
  session,
  actions: [...actions, ...further],
});

function beyond<T, F>(session: Session, message: Extract<Read<T, F>, { kind: 'read' }>): Uint8Array {
  return session.pending.slice(message.length);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
