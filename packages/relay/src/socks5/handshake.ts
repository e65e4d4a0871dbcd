import type { Heard, Leg } from '../contracts.js';
import { startDeadline } from '../deadline.js';
import type { Signal } from '../signal.js';
import type { Request } from './codec.js';
import { replyToFault } from './reply.js';
import type { Service } from './service.js';
import { type Action, judged, openSession, receive, type Session } from './session.js';
import { HANDSHAKE_LIMIT } from './settings.js';

/** What a client asks for, and what it sent right behind. */
export interface Asked {
  readonly request: Request;
  readonly rest: Uint8Array;
}

/**
 * Runs the session on a connection, from where an engine has left it. Null: nothing came of it, and the connection is
 * closed or about to be.
 */
export async function shakeHands(
  leg: Leg,
  service: Service,
  signal: Signal,
  { isGreeted, age }: Heard = UNHEARD,
): Promise<Asked | null> {
  const deadline = startDeadline(service.clock, HANDSHAKE_LIMIT - age, 'SOCKS5 handshake', signal);
  const method = service.gatekeeper === null ? 'none' : 'password';
  const asked = await converse(leg, service, openSession(method, isGreeted), deadline.signal);
  if (deadline.expired) service.counters.failed('timed_out');
  deadline.end();
  return asked;
}

const UNHEARD: Heard = { isGreeted: false, age: 0 };

async function converse(leg: Leg, service: Service, opened: Session, signal: Signal): Promise<Asked | null> {
  let session = opened;
  for (;;) {
    const bytes = await leg.read(signal);
    if (bytes.isErr()) {
      if (bytes.error.kind === 'aborted') leg.end();
      else leg.reset();
      return null;
    }
    if (bytes.value === null) {
      service.counters.failed('gave_up');
      leg.end();
      return null;
    }
    const turn = await takeTurn(leg, service, receive(session, bytes.value));
    if (turn.kind === 'over') return turn.asked;
    session = turn.session;
  }
}

type Turn =
  | { readonly kind: 'goes_on'; readonly session: Session }
  | { readonly kind: 'over'; readonly asked: Asked | null };

const OVER: Turn = { kind: 'over', asked: null };

interface Move {
  readonly session: Session;
  readonly actions: readonly Action[];
}

async function takeTurn(leg: Leg, service: Service, move: Move): Promise<Turn> {
  let next = move;
  for (;;) {
    const { session, actions } = next;
    next = { session, actions: [] };
    for (const action of actions) {
      switch (action.type) {
        case 'send':
          // Two or three messages of a few bytes: they fit into any socket, and the next read tells of one that broke.
          void leg.write(action.bytes);
          break;
        case 'verify':
          next = judged(session, await verify(leg, service, action));
          break;
        case 'serve':
          return { kind: 'over', asked: { request: action.request, rest: action.rest } };
        case 'end':
          service.counters.failed(action.why.kind);
          if (action.why.kind === 'bad_request') service.counters.replied(replyToFault(action.why.fault));
          leg.end();
          return OVER;
      }
    }
    if (next.actions.length === 0) return { kind: 'goes_on', session: next.session };
  }
}

async function verify(leg: Leg, service: Service, action: Extract<Action, { type: 'verify' }>): Promise<boolean> {
  const { username, password } = action.credentials;
  const verdict = await service.gatekeeper?.judge(username, password, leg.remote.address);
  if (verdict === 'limited' || verdict === 'busy') service.counters.failed(verdict);
  return verdict === 'accepted';
}
