import { type Mutant, mutant } from './mutant.js';

/** Faults in what is found out beside liveness: rings, silent targets, traffic, full-sized packets. */
export const EVIDENCE_MUTANTS: readonly Mutant[] = [
  mutant(
    'a silent ring is believed that never answered',
    'rings.ts',
    "return ring.refused || Number.isFinite(ring.heardAt) ? 'silent' : null;",
    "return 'silent';",
    ['fault-place'],
  ),
  mutant(
    'what a ring answered before the silence counts for it',
    'rings.ts',
    "return ring.heardAt >= silentFrom(t, health) ? 'answers' : null;",
    "return Number.isFinite(ring.heardAt) && health !== null ? 'answers' : null;",
    ['fault-place'],
  ),
  mutant(
    'rings are asked for ever',
    'rings.ts',
    "if (t.state.kind !== 'up' || (!isDown(t.liveness) && !untried)) return null;",
    "if (t.state.kind !== 'up' || (untried && ring.asked < 0)) return null;",
    ['fault-place'],
  ),
  mutant(
    'silent targets are believed in although a provider is silent',
    'stand-in.ts',
    'return up.length >= 2 && up.every(blameless) && up.some(answers);',
    'return up.length >= 2 && up.some(blameless) && up.some(answers);',
    ['silent-targets'],
  ),
  mutant(
    'targets are stood in for until the end of time',
    'step.ts',
    'return heard ? targetsHeard(next, emit) : next;',
    'return heard && now < 0 ? targetsHeard(next, emit) : next;',
    ['silent-targets'],
  ),
  mutant(
    'one tunnel alone takes its targets for silent',
    'stand-in.ts',
    'return judged.length >= 2 ? state : targetsHeard(state, emit);',
    'return judged.length >= 0 ? state : targetsHeard(state, emit);',
    ['silent-targets'],
  ),
  mutant(
    'traffic proves life for ever once it has flowed',
    'traffic.ts',
    'return flowingSince !== null && now - flowingSince >= PROVEN_AFTER && now - at <= LOOK_TRUST;',
    'return flowingSince !== null && now - flowingSince >= PROVEN_AFTER && at > 0;',
    ['passive-evidence'],
  ),
  mutant(
    'a stall of what flowed is no reason to ask',
    'answers.ts',
    'const liveness = stalled ? { ...heard, replies: 0 } : heard;',
    'const liveness = stalled ? { ...heard } : heard;',
    ['passive-evidence'],
  ),
  mutant(
    'traffic that stops is not missed',
    'traffic.ts',
    'if (was.flowingSince !== null && now - rxAt >= gapOf(path)) {',
    'if (was.flowingSince !== null && now - rxAt >= 30_000 + gapOf(path)) {',
    ['passive-evidence'],
  ),
  mutant(
    'a busy backup need not show that it is well',
    'probing.ts',
    'return !primaryInDoubt(state) && t.liveness.misses === 0 && provesLife(t.traffic, now);',
    'return state.config !== null && t.liveness.misses === 0 && provesLife(t.traffic, now);',
    ['passive-evidence'],
  ),
  mutant('a trickle counts as traffic', 'traffic.ts', 'const STRETCH_BYTES = 3_000n;', 'const STRETCH_BYTES = 15n;', [
    'passive-evidence',
  ]),
  mutant(
    'chance alone makes an MTU black hole',
    'full-size.ts',
    'return Math.min(MOST_MISSES, Math.max(LEAST_MISSES, needed));',
    'return Math.min(LEAST_MISSES, MOST_MISSES + needed * 0);',
    ['mtu-black-hole'],
  ),
  mutant(
    'large packets are looked after no longer than once',
    'full-size.ts',
    'interval: doubt ? SIZE_INTERVAL_IN_DOUBT : SIZE_INTERVAL,',
    'interval: doubt ? SIZE_INTERVAL_IN_DOUBT : SIZE_INTERVAL * 100,',
    ['mtu-black-hole'],
  ),
];
