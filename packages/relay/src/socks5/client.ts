import type { Heard, Leg } from '../contracts.js';
import { joinSignals } from '../deadline.js';
import type { Signal } from '../signal.js';
import { bind } from './bind.js';
import { connect } from './connect.js';
import { EarlyData } from './early-data.js';
import { type Asked, shakeHands } from './handshake.js';
import { resolve, resolvePtr } from './resolve.js';
import type { Service } from './service.js';
import { associate } from './udp/associate.js';

/**
 * Serves one client from its first byte to its last. Resolves once the connection is closed, or about to be.
 *
 * `signal`: the proxy stops. `opened`: it has become a flow, which has bounds of its own.
 */
export async function serveClient(
  leg: Leg,
  service: Service,
  signal: Signal,
  opened: () => void,
  heard?: Heard,
): Promise<void> {
  const asked = await shakeHands(leg, service, signal, heard);
  if (asked === null) return;
  const { command, target } = asked.request;
  switch (command) {
    case 'connect':
      return connect(leg, asked, service, signal, opened);
    case 'bind':
      return bind(leg, asked, service, signal, opened);
    case 'udp_associate':
      return associate(leg, asked, service, signal, opened);
    case 'resolve':
      return whileThere(leg, asked, signal, (called) => resolve(leg, target, service, called));
    case 'resolve_ptr':
      return whileThere(leg, asked, signal, (called) => resolvePtr(leg, target, service, called));
  }
}

/** Does what a client waits for, and calls it off when the client goes. */
async function whileThere(
  leg: Leg,
  { rest }: Asked,
  signal: Signal,
  work: (called: Signal) => Promise<void>,
): Promise<void> {
  const early = new EarlyData(leg, rest);
  const called = joinSignals([signal, early.gone]);
  await work(called.signal);
  called.end();
  await early.drop();
  if (early.gone.aborted) leg.reset();
}
