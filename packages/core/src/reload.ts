import type { Config, TunnelConfig } from './config/model.js';
import type { Emit } from './effects.js';
import { lineUp, type State } from './state.js';
import { newTunnel, type Probing, sameTunnel, type Tunnel } from './tunnel.js';

/** Takes another configuration on record. What follows from it is `settle`'s affair. */
export function reloaded(state: State, config: Config, emit: Emit): State {
  const stay = new Map(state.tunnels.map((t) => [t.config.name, t]));
  let added = 0;
  let changed = 0;
  const tunnels = config.tunnels.map((next): Tunnel => {
    const old = stay.get(next.name);
    stay.delete(next.name);
    if (old === undefined || old.leaving) added += 1;
    else if (JSON.stringify(old.config) !== JSON.stringify(next)) changed += 1;
    return old === undefined ? newTunnel(next) : retaken(old, next, config);
  });
  const leaving = [...stay.values()].map((t) => ({ ...t, wanted: false, leaving: true }));
  const removed = [...stay.values()].filter((t) => !t.leaving).length;
  emit({ type: 'announce', news: { type: 'reloaded', added, removed, changed } });
  const nextCheckAt = Math.min(
    state.nextCheckAt,
    state.nextCheckAt + config.failover.checkInterval - state.config.failover.checkInterval,
  );
  const { preference: asked } = state;
  const preference = asked !== null && config.tunnels.some(({ name }) => name === asked.tunnel) ? asked : null;
  return { ...state, config, preference, ...lineUp([...tunnels, ...leaving]), nextCheckAt };
}

function retaken(old: Tunnel, next: TunnelConfig, { health }: Config): Tunnel {
  const config = JSON.stringify(old.config) === JSON.stringify(next) ? old.config : next;
  // What the host sees no difference in it is as good as running already.
  const running = old.running !== null && sameTunnel(old.running, config) ? config : old.running;
  // An operator's word outlives a reload that does not touch the setting it overrides.
  const wanted = old.leaving || old.config.enabled !== next.enabled ? next.enabled : old.wanted;
  return { ...old, config, running, wanted, leaving: false, probing: ofTargets(old.probing, health.targets) };
}

/** A target that has been taken out is asked no more and speaks for nobody. */
function ofTargets(probing: Probing, targets: readonly string[]): Probing {
  const still = (target: string | null): string | null => (target !== null && targets.includes(target) ? target : null);
  return { ...probing, target: still(probing.target), voice: still(probing.voice) };
}
