import type { Emit } from './effects.js';
import type { ProbePlan } from './facts.js';
import { isDown } from './liveness.js';
import { popAddressOf, ringVerdict } from './rings.js';
import type { State } from './state.js';
import { ifaceOf, type Tunnel } from './tunnel.js';
import type { Millis } from './units.js';

// Targets that are silent through every tunnel say nothing about any of them. Where the providers'
// own ends go on answering, they stand in for the targets until one of those is heard again.

/** Between two probes of the targets while others stand in for them. */
const TARGET_INTERVAL: Millis = 5_000;

/** The verdict, and its end, leave from here; whom to ask then is `standInOf`'s. */
export function settleStandIn(state: State, emit: Emit): State {
  if (state.phase !== 'running') return state.targetsSilent ? { ...state, targetsSilent: false } : state;
  if (!state.targetsSilent) {
    if (!targetsAtFault(state)) return state;
    emit({ type: 'announce', news: { type: 'targets_silent', targets: state.config.health.targets } });
    return { ...state, targetsSilent: true };
  }
  // With fewer than two tunnels there is nobody to compare with.
  const judged = state.tunnels.filter((t) => t.state.kind === 'up');
  return judged.length >= 2 ? state : targetsHeard(state, emit);
}

/** A target has answered: they are asked again, and every tunnel is judged by its own answers. */
export function targetsHeard(state: State, emit: Emit): State {
  if (!state.targetsSilent) return state;
  emit({ type: 'announce', news: { type: 'targets_heard', targets: state.config.health.targets } });
  const tunnels = state.tunnels.map((t): Tunnel => {
    const { target, voice } = t.probing;
    const pop = popAddressOf(t);
    const own = (asked: string | null): string | null => (asked === pop ? null : asked);
    return { ...t, probing: { ...t.probing, target: own(target), voice: own(voice) } };
  });
  return { ...state, tunnels, targetsSilent: false };
}

/** Every tunnel is silent, and none for a reason of its own. */
export function targetsAtFault(state: State): boolean {
  // Nearly always one of the first is well, and that is that.
  if (state.tunnels.some((t) => t.state.kind === 'up' && !isDown(t.liveness))) return false;
  const up = state.tunnels.filter((t) => t.state.kind === 'up');
  const { config } = state;
  const blameless = (t: Tunnel): boolean => {
    if (popAddressOf(t) !== null) return ringVerdict(t, t.sides.pop, config) === 'answers';
    // Of a provider's end that nobody knows, the way to it is all there is to be asked.
    return ringVerdict(t, t.sides.underlay, config) === 'answers';
  };
  const answers = (t: Tunnel): boolean => ringVerdict(t, t.sides.pop, config) === 'answers';
  return up.length >= 2 && up.every(blameless) && up.some(answers);
}

/** Who is asked in the targets' place; null: the targets themselves. */
export function standInOf(t: Tunnel, state: State): string | null {
  return state.targetsSilent ? popAddressOf(t) : null;
}

/** The targets are asked now and then while another stands in. */
export function internetPlan(t: Tunnel, state: State): ProbePlan | null {
  const source = t.reading?.address ?? null;
  if (t.state.kind !== 'up' || source === null || standInOf(t, state) === null) return null;
  const { targets, deadline } = state.config.health;
  return { iface: ifaceOf(t), source, targets, interval: TARGET_INTERVAL, packetSize: null, deadline, rtt: null };
}
