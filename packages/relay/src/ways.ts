import type { GatewayStatus, LivenessKind, StepRecord } from '@hurricane/core';
import type { Way, Ways } from './contracts.js';

/** What is asked of a gateway. A `Gateway` of @hurricane/core has all of it. */
export interface WaySource {
  status(): Pick<GatewayStatus, 'tunnels'>;
  observe(observer: (record: Pick<StepRecord, 'before' | 'after'>) => void): () => void;
}

/** The tunnels of a gateway as ways in and out. Listeners are called in the step that changed something. */
export function waysOf(gateway: WaySource): Ways {
  const listeners = new Set<() => void>();
  let ways = waysNow(gateway);
  gateway.observe((step) => {
    if (!mayHaveChanged(step)) return;
    const next = waysNow(gateway);
    if (JSON.stringify(next) === JSON.stringify(ways)) return;
    ways = next;
    for (const listener of [...listeners]) listener();
  });
  return {
    now: () => ways,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const LIVENESS: Readonly<Record<LivenessKind, Way['liveness']>> = {
  alive: 'alive',
  unknown: 'doubtful',
  suspect: 'doubtful',
  soft_down: 'doubtful',
  hard_down: 'hard_down',
};

function waysNow(gateway: WaySource): readonly Way[] {
  const ways = gateway.status().tunnels.flatMap(({ config, state, liveness, reading, primary }): readonly Way[] => {
    const address = reading?.address ?? null;
    if (state !== 'up' || address === null) return [];
    return [{ tunnel: config.name, iface: config.iface, address, primary, liveness: LIVENESS[liveness] }];
  });
  return [...ways.filter((way) => way.primary), ...ways.filter((way) => !way.primary)];
}

/** Most steps are probes that change nothing here: comparing a few members spares projecting the whole state. */
function mayHaveChanged({ before, after }: Pick<StepRecord, 'before' | 'after'>): boolean {
  if (before.failover !== after.failover || before.tunnels.length !== after.tunnels.length) return true;
  return after.tunnels.some((tunnel, i) => {
    const was = before.tunnels[i];
    return (
      was === undefined ||
      was.config !== tunnel.config ||
      was.state.kind !== tunnel.state.kind ||
      was.liveness.kind !== tunnel.liveness.kind ||
      was.reading?.address !== tunnel.reading?.address
    );
  });
}
