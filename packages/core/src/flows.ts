import type { Emit } from './effects.js';
import { primaryOf, type State } from './state.js';
import type { Tunnel } from './tunnel.js';

/**
 * Ends connections over tunnels that have become unreachable, once each, where the user asked for it.
 * Only while another tunnel has the route: whoever connects again must get somewhere.
 */
export function settleFlows(state: State, emit: Emit): State {
  if (!state.config.failover.abortFlows) return state;
  const primary = primaryOf(state);
  const tunnels = state.tunnels.map((t): Tunnel => {
    const dead = t.state.kind === 'up' && t.liveness.kind === 'hard_down';
    if (!dead) return t.flowsAborted ? { ...t, flowsAborted: false } : t;
    const address = t.reading?.address ?? null;
    const elsewhere = primary !== null && primary !== t && state.failover.kind === 'holding';
    if (t.flowsAborted || address === null || !elsewhere) return t;
    emit({ type: 'abort_flows', tunnel: t.config.name, address });
    return { ...t, flowsAborted: true };
  });
  return tunnels.some((t, i) => t !== state.tunnels[i]) ? { ...state, tunnels } : state;
}
