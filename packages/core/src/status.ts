import type { Config, TunnelConfig } from './config/model.js';
import type { DriverError, LinkReading } from './facts.js';
import { type FaultPlace, placeOf } from './fault-place.js';
import { isMtuBlackHole } from './full-size.js';
import type { HealthSummary } from './health.js';
import type { LivenessKind } from './liveness.js';
import type { State } from './state.js';
import type { TunnelState } from './tunnel.js';
import type { Instant, UnixSeconds } from './units.js';

export interface TunnelStatus {
  readonly config: TunnelConfig;
  readonly state: TunnelState['kind'];
  /** Why it failed, while it is `failed`. */
  readonly fault: DriverError | null;
  readonly liveness: LivenessKind;
  /** Null while nothing has been measured. */
  readonly health: HealthSummary | null;
  /** Where it is broken, as far as is known; null while it is not. */
  readonly faultPlace: FaultPlace | null;
  /** Packets of full size vanish in it without a word. */
  readonly mtuBlackHole: boolean;
  readonly reading: LinkReading | null;
  /** When a probe of this tunnel was last answered for; null before the first. */
  readonly lastCheck: UnixSeconds | null;
  readonly primary: boolean;
}

/** What is true now, in the gateway's own terms. A frozen projection; `views.ts` turns it into documents. */
export interface GatewayStatus {
  readonly phase: 'stopped' | 'running' | 'stopping';
  readonly config: Config;
  readonly primary: string | null;
  /** Whom the operator asked for; null: ranks decide. */
  readonly preferred: string | null;
  /** The primary is sick and no backup is fit. */
  readonly stranded: boolean;
  /** No probe target answers through any tunnel: the providers' own ends are asked meanwhile. */
  readonly targetsSilent: boolean;
  readonly tunnels: readonly TunnelStatus[];
  /** Wall clock at the moment of the projection. */
  readonly at: UnixSeconds;
}

export function projectStatus(state: State, now: Instant, at: UnixSeconds): GatewayStatus {
  const primary = state.failover.kind === 'idle' ? null : state.failover.primary;
  const tunnels = state.tunnels.map((t): TunnelStatus => {
    return Object.freeze({
      config: t.config,
      state: t.state.kind,
      fault: t.state.kind === 'failed' ? t.state.fault : null,
      liveness: t.liveness.kind,
      health: t.health,
      faultPlace: placeOf(t, state),
      mtuBlackHole: isMtuBlackHole(t),
      reading: t.reading,
      lastCheck: t.lastProbedAt === null ? null : Math.floor(at - (now - t.lastProbedAt) / 1000),
      primary: t.config.name === primary,
    });
  });
  return Object.freeze({
    phase: state.phase,
    config: state.config,
    primary,
    preferred: state.preference?.tunnel ?? null,
    stranded: state.failover.kind === 'stranded',
    targetsSilent: state.targetsSilent,
    tunnels: Object.freeze(tunnels),
    at,
  });
}
