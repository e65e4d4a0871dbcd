import type { FaultPlace } from './fault-place.js';
import { placeOf } from './fault-place.js';
import { isMtuBlackHole, mtuRemedy } from './full-size.js';
import { isDown, type LivenessKind } from './liveness.js';
import { PLACES } from './news.js';
import { popAddressOf, underlayOf } from './rings.js';
import type { SideProbing } from './side-probes.js';
import type { State } from './state.js';
import type { Tunnel, TunnelState } from './tunnel.js';
import type { Instant } from './units.js';

// Documents: they go on the wire as they are, and so are named as the wire has it.

/** What is known about where tunnels are broken, and what that rests on. */
export interface DiagnosisView {
  /** One sentence each, what matters most first. */
  readonly findings: readonly string[];
  /** No target answers through any tunnel, though the providers do. */
  readonly targets_silent: boolean;
  readonly tunnels: readonly TunnelDiagnosis[];
}

export interface TunnelDiagnosis {
  readonly tunnel: string;
  /** One sentence each. */
  readonly findings: readonly string[];
  readonly state: TunnelState['kind'];
  readonly liveness: LivenessKind;
  /** Where it is broken, seen from this machine outwards; null while it is not, or that is unknown. */
  readonly fault_place: FaultPlace | null;
  /** The IPv4 path to the provider. */
  readonly underlay: RingEvidence;
  /** The provider's own address inside the tunnel. */
  readonly pop: RingEvidence;
  readonly targets: RingEvidence;
  /** Packets as large as the interface takes. */
  readonly full_size: RingEvidence;
}

/** What came of asking one place. */
export interface RingEvidence {
  /** Null: nobody is known that could be asked. */
  readonly address: string | null;
  /** `unknown`: it has not been asked, or never answered anybody, or it is too early to say. */
  readonly verdict: 'answers' | 'silent' | 'unknown';
  /** Since the last answer; null: there has been none since the tunnel came up. */
  readonly heard_s_ago: number | null;
  readonly misses_in_a_row: number;
}

/** So many misses in a row are silence, and not a stray loss. */
const SILENT_MISSES = 4;

/** Reads out what the gateway knows. Asks nobody, and decides nothing. */
export function diagnosisView(state: State, now: Instant): DiagnosisView {
  const tunnels = state.tunnels.filter((t) => !t.leaving).map((t) => diagnosisOf(t, state, now));
  return {
    findings: [
      ...(state.targetsSilent
        ? ['No target answers through any tunnel, though the providers do: the targets are at fault, not the tunnels']
        : []),
      ...tunnels.flatMap((t) => t.findings),
    ],
    targets_silent: state.targetsSilent,
    tunnels,
  };
}

function diagnosisOf(t: Tunnel, state: State, now: Instant): TunnelDiagnosis {
  const { liveness, probing, sides } = t;
  const target = probing.target ?? state.config.health.targets[0] ?? null;
  const spoken = Number.isFinite(liveness.provenAt);
  return {
    tunnel: t.config.name,
    findings: findingsOn(t, state),
    state: t.state.kind,
    liveness: liveness.kind,
    fault_place: placeOf(t, state),
    underlay: evidenceOf(sides.underlay, underlayOf(t), now),
    pop: evidenceOf(sides.pop, popAddressOf(t), now),
    targets: {
      address: target,
      verdict: isDown(liveness) ? 'silent' : liveness.kind === 'unknown' ? 'unknown' : 'answers',
      heard_s_ago: spoken ? secondsSince(liveness.provenAt, now) : null,
      misses_in_a_row: liveness.misses,
    },
    full_size: {
      ...evidenceOf(sides.size, sides.size.told?.targets[0] ?? null, now),
      ...(isMtuBlackHole(t) ? { verdict: 'silent' } : {}),
    },
  };
}

function evidenceOf(ring: SideProbing, address: string | null, now: Instant): RingEvidence {
  const heard = Number.isFinite(ring.heardAt);
  const silent = ring.misses >= SILENT_MISSES && (heard || ring.refused);
  return {
    address,
    verdict: silent ? 'silent' : heard && ring.misses < SILENT_MISSES ? 'answers' : 'unknown',
    heard_s_ago: heard ? secondsSince(ring.heardAt, now) : null,
    misses_in_a_row: ring.misses,
  };
}

function findingsOn(t: Tunnel, state: State): readonly string[] {
  const { name } = t.config;
  const place = placeOf(t, state);
  const hole = isMtuBlackHole(t) ? [`Tunnel ${name} loses full-sized packets without a word: ${mtuRemedy(t)}`] : [];
  if (place !== null) return [`Tunnel ${name} is broken ${PLACES[place]}`, ...hole];
  if (t.state.kind !== 'up') return t.wanted ? [`Tunnel ${name} is ${t.state.kind}`] : [];
  switch (t.liveness.kind) {
    case 'soft_down':
    case 'hard_down':
      return [`Tunnel ${name} is silent, and it is not known yet where`];
    case 'suspect':
      return [`Tunnel ${name} has just missed a probe`];
    case 'unknown':
      return [`Tunnel ${name} has only just come up, or has not answered yet`];
    case 'alive':
      return hole.length > 0 ? hole : [`Tunnel ${name} answers${scoreOf(t)}`];
  }
}

const scoreOf = ({ health }: Tunnel): string => (health === null ? '' : ` and scores ${health.score} of 100`);

const secondsSince = (at: Instant, now: Instant): number => Math.max(0, Math.round((now - at) / 100) / 10);
