import { isDown } from './liveness.js';
import { popAddressOf, ringVerdict } from './rings.js';
import type { SideProbes } from './side-probes.js';
import { targetsAtFault } from './stand-in.js';
import type { State } from './state.js';
import type { Tunnel } from './tunnel.js';
import { LONG_AGO } from './units.js';

/** Where a tunnel that carries nothing is broken, seen from this machine outwards. */
export type FaultPlace =
  /** On this machine: no interface, no address, no tool, no right. */
  | 'local'
  /** The IPv4 path to the provider. */
  | 'underlay'
  /** The provider's server: the path to it works, and nothing comes out of the tunnel. */
  | 'pop'
  /** Beyond the provider's server, which itself answers. */
  | 'upstream'
  /** What is probed: it is silent through every tunnel. */
  | 'target';

/** Null: it carries, or too little is known. Follows from the three rings of evidence. */
export function placeOf(t: Tunnel, state: State): FaultPlace | null {
  if (t.state.kind === 'failed') return 'local';
  if (t.state.kind !== 'up' || !isDown(t.liveness)) return null;
  const { config } = state;
  const underlay = ringVerdict(t, t.sides.underlay, config);
  if (underlay === 'silent') return 'underlay';
  const pop = ringVerdict(t, t.sides.pop, config);
  if (pop === 'answers') return targetsAtFault(state) ? 'target' : 'upstream';
  // Without anything to ask at the other end, a path that works is the last that is known to. A path that has
  // never answered may be broken as well as mute, however well other tunnels' paths do.
  const nothingComes = pop === 'silent' || popAddressOf(t) === null;
  return nothingComes && underlay === 'answers' && outlives(t.sides) ? 'pop' : null;
}

/** What fell silent just now may take the path with it: that has to answer once more. */
const outlives = ({ pop, underlay }: SideProbes): boolean => underlay.heardAt >= (pop.missingSince ?? LONG_AGO);
