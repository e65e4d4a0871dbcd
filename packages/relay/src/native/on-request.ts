import { beginConnection } from './begin-connection.js';
import { Pair, type PairHome } from './pair.js';
import type { Command, FailedCall } from './protocol.js';
import { isScarce } from './sys.js';
import { INTEREST, Wire, type WireHome } from './wire.js';

// What the loop does with connections because the main thread asks for it.

/** Begins a connection outwards; what becomes of it is told. */
export function connectOut(
  { id, to, source }: Extract<Command, { kind: 'connect' }>,
  home: WireHome & { keep(wire: Wire): void },
): void {
  const { descriptors } = home;
  const notConnected = (call: FailedCall, errno: number): void => {
    if (isScarce(errno)) home.short();
    home.tell({ kind: 'not_connected', id, call, errno });
  };
  const begun = beginConnection(descriptors, to, source);
  if ('call' in begun) {
    notConnected(begun.call, begun.errno);
    return;
  }
  const wire = new Wire(id, begun.fd, home, 'connecting');
  const watched = descriptors.watch(begun.fd, INTEREST, wire);
  if (watched < 0) {
    descriptors.close(begun.fd);
    notConnected('other', -watched);
  } else home.keep(wire);
}

/** Null: one of the two was reset before they could be joined, and so is the other. That is told. */
export function joinUp(
  { flow }: Extract<Command, { kind: 'join' }>,
  near: Wire | undefined,
  far: Wire | undefined,
  home: PairHome,
): Pair | null {
  if (near?.isOpen === true && far?.isOpen === true) return new Pair(flow, near, far, home);
  near?.close('reset');
  far?.close('reset');
  home.tell({ kind: 'over', flow, end: 'reset', sent: 0, received: 0 });
  return null;
}
