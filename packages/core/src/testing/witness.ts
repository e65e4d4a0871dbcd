import type { State } from '../state.js';
import type { Instant, Millis } from '../units.js';
import type { Link } from './link.js';
import type { World } from './world.js';

/** Within this a link through which nothing comes back is known to be dead, whatever traffic pretends. */
const DEAD_KNOWN: Millis = 15_000;

/** Within this a link that has become good has a good score: a window's length, and some. */
const GOOD_KNOWN: Millis = 75_000;

export interface WitnessOptions {
  readonly world: World;
  readonly fail: (what: string) => void;
}

/** Holds the gateway's judgement against the world's truth, never against its own scores. S8. */
export class Witness {
  readonly #options: WitnessOptions;
  readonly #deadSince = new Map<string, Instant>();
  readonly #goodSince = new Map<string, Instant>();

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** To be called every few seconds. */
  look(state: State, now: Instant): void {
    const { world } = this.#options;
    for (const t of state.tunnels) {
      const link = world.link(t.config.iface);
      const up = t.state.kind === 'up' && t.wanted && t.running?.iface === link.iface;
      mark(this.#deadSince, t.config.name, !link.carries, now);
      mark(this.#goodSince, t.config.name, up && isGood(link, t.reading?.address ?? null), now);
    }
    // A prober that cannot probe sees nothing, and nothing is what it says.
    if (state.phase !== 'running' || world.faults.probingFails > 0 || world.faults.proberDies > 0) return;
    this.#judgeScores(state, now);
    this.#judgeService(state, now);
  }

  #judgeScores(state: State, now: Instant): void {
    for (const t of state.tunnels) {
      const { name } = t.config;
      if (t.state.kind !== 'up') continue;
      const known = now - Math.max(t.state.since, this.#deadSince.get(name) ?? now);
      if (known > DEAD_KNOWN && (t.liveness.kind === 'alive' || t.liveness.kind === 'suspect'))
        this.#options.fail(`${name} is called ${t.liveness.kind}, and has been dead for ${known} ms`);
      if (this.#forHowLong(this.#goodSince, name, now) > GOOD_KNOWN && !isPraised(t.health?.score ?? 0))
        this.#options.fail(`${name} scores ${t.health?.score}, and has been good for ${GOOD_KNOWN} ms`);
    }
  }

  #judgeService(state: State, now: Instant): void {
    if (state.failover.kind === 'idle') return;
    const { primary } = state.failover;
    const dead = this.#forHowLong(this.#deadSince, primary, now);
    const good = [...this.#goodSince].some(([name, since]) => name !== primary && now - since > GOOD_KNOWN);
    if (dead > DEAD_KNOWN && good) this.#options.fail(`stays on ${primary}, dead for ${dead} ms, beside a good tunnel`);
  }

  #forHowLong(marks: ReadonlyMap<string, Instant>, name: string, now: Instant): Millis {
    return now - (marks.get(name) ?? now);
  }
}

function isGood(link: Link, believed: string | null): boolean {
  return link.carries && link.loss === 0 && link.rtt < 45 && link.address === believed;
}

function isPraised(score: number): boolean {
  return score >= 95;
}

function mark(marks: Map<string, Instant>, name: string, is: boolean, now: Instant): void {
  if (!is) marks.delete(name);
  else if (!marks.has(name)) marks.set(name, now);
}
