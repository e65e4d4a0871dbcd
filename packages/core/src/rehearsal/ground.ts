import type { DriverError } from '../facts.js';
import { isDown } from '../liveness.js';
import type { State } from '../state.js';
import type { Tunnel } from '../tunnel.js';
import type { Instant, Millis } from '../units.js';
import type { Hypothesis } from './hypothesis.js';

/** Of a tunnel that has never answered. */
const USUAL_RTT: Millis = 50;

/** Which way a probe goes: beside the tunnel, to its far end, or through it. */
export type Reach = 'underlay' | 'pop' | 'target';

/** How one tunnel does when nothing is supposed to happen to it: as it does at the beginning. */
interface Habit {
  readonly well: boolean;
  readonly rtt: Millis;
  /** Raising it fails like this; null: it succeeds. */
  readonly fault: DriverError | null;
  /** Nothing but a person can make its interface anew. */
  readonly external: boolean;
  readonly iface: string;
}

/** What would be true outside, were the hypothesis so. Everything else stays as it is found. */
export class Ground {
  readonly #supposed: Hypothesis;
  readonly #from: Instant;
  readonly #until: Instant;
  readonly #habits: ReadonlyMap<string, Habit>;
  readonly #targetsSilent: boolean;
  readonly #remade = new Set<string>();
  #seed = 1;

  constructor(state: State, supposed: Hypothesis, from: Instant, until: Instant) {
    this.#supposed = supposed;
    this.#from = from;
    this.#until = until;
    this.#targetsSilent = state.targetsSilent;
    this.#habits = new Map(state.tunnels.map((t) => [t.config.name, habitOf(t)]));
  }

  /** Whether a probe would be answered, and how long that would take; null: it would not. */
  answer(tunnel: string, reach: Reach, now: Instant): Millis | null {
    const habit = this.#habits.get(tunnel);
    if (habit === undefined) return null;
    const struck = this.#strikes(tunnel, now);
    const { kind } = this.#supposed;
    if (struck && (kind === 'line_down' || kind === 'interface_gone')) return null;
    if (reach === 'underlay') return habit.rtt;
    if (!habit.well || (struck && kind === 'silent')) return null;
    if (reach === 'target' && (this.#targetsSilent || (struck && kind === 'targets_silent'))) return null;
    if (struck && this.#supposed.kind === 'lossy' && this.#chance() < this.#supposed.loss) return null;
    return struck && this.#supposed.kind === 'slow' ? this.#supposed.latency : habit.rtt;
  }

  /** Whether what programs send through it arrives. */
  carries(tunnel: string, now: Instant): boolean {
    const { kind } = this.#supposed;
    const cut = kind === 'silent' || kind === 'line_down' || kind === 'interface_gone';
    return this.#habits.get(tunnel)?.well === true && !(cut && this.#strikes(tunnel, now));
  }

  /** Why raising it would fail; null: it would succeed. */
  faultOf(tunnel: string, now: Instant): DriverError | null {
    const habit = this.#habits.get(tunnel);
    if (habit === undefined) return null;
    const lasting = habit.external && this.isGone(tunnel, now);
    return lasting ? { kind: 'interface_missing', iface: habit.iface } : habit.fault;
  }

  isGone(tunnel: string, now: Instant): boolean {
    return this.#supposed.kind === 'interface_gone' && this.#strikes(tunnel, now);
  }

  /** A driver has made its interface anew: what was deleted once is not deleted again. */
  madeAnew(tunnel: string): void {
    this.#remade.add(tunnel);
  }

  #strikes(tunnel: string, now: Instant): boolean {
    if (now < this.#from || now >= this.#until) return false;
    if (this.#supposed.kind === 'interface_gone' && this.#remade.has(tunnel)) return false;
    return 'tunnel' in this.#supposed ? this.#supposed.tunnel === tunnel : true;
  }

  /** 0 to 1, the same row of numbers every time (mulberry32): one state has one rehearsal. */
  #chance(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

function habitOf(t: Tunnel): Habit {
  return {
    well: t.state.kind !== 'up' || !isDown(t.liveness),
    rtt: t.rtt?.srtt ?? t.health?.latency ?? USUAL_RTT,
    fault: t.state.kind === 'failed' && !t.state.lowering ? t.state.fault : null,
    external: t.config.type === 'external',
    iface: t.config.iface,
  };
}
