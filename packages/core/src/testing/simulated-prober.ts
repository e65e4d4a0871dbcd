import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { Prober } from '../contracts.js';
import type { ProbeError, ProbeFinding, ProbePlan } from '../facts.js';
import { jittered } from '../jitter.js';
import { MULLVAD_POP } from '../rings.js';
import { observeRtt, probeDeadline, type RttEstimate } from '../rtt.js';
import type { Instant, Millis } from '../units.js';
import type { Link } from './link.js';
import type { World } from './world.js';

/** One echo request or reply with its headers. */
const PROBE_BYTES = 104;

/** On a clock of real time a probe leaves together with others, so late at most. */
const SEND_PATIENCE: Millis = 10;

/** A reply later than this is taken for none at all. */
const LATE_AT_MOST_MS = 10_000;

type Report = (finding: ProbeFinding) => void;

/** Probes the world's links on the world's clock. */
export function simulatedProber(world: World): Prober {
  return {
    watch: (plan, report, signal) => {
      const { prng, clock } = world;
      const faults = { ...world.faults, ...world.links.get(plan.iface)?.faults };
      if (prng.chance(faults.probingFails)) return new ResultAsync(Promise.resolve(err(cannotProbe())));
      return new ResultAsync(
        new Promise((resolve) => new Watch(world, plan, report, signal, resolve).begin(clock.now())),
      );
    },
  };
}

class Watch {
  readonly #world: World;
  readonly #plan: ProbePlan;
  readonly #report: Report;
  readonly #signal: AbortSignal;
  readonly #resolve: (result: Result<void, ProbeError>) => void;
  readonly #link: Link;
  #rtt: RttEstimate | null;
  #sent = 0;
  #over = false;

  constructor(
    world: World,
    plan: ProbePlan,
    report: Report,
    signal: AbortSignal,
    resolve: (result: Result<void, ProbeError>) => void,
  ) {
    this.#world = world;
    this.#plan = plan;
    this.#report = report;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#link = world.link(plan.iface);
    this.#rtt = plan.rtt;
  }

  begin(now: Instant): void {
    if (this.#signal.aborted) {
      this.#end(ok(undefined));
      return;
    }
    this.#signal.addEventListener('abort', () => this.#end(ok(undefined)), { once: true });
    this.#send(now);
  }

  #send(now: Instant): void {
    const { prng } = this.#world;
    const { targets, interval } = this.#plan;
    if (prng.chance(this.#link.faults.proberDies ?? this.#world.faults.proberDies)) {
      this.#end(err(cannotProbe()));
      return;
    }
    this.#at(now + jittered(interval, prng.unit()), (at) => this.#send(at), this.#patience());
    this.#probe(targets[this.#sent % targets.length]!, now);
    this.#sent += 1;
  }

  #probe(target: string, now: Instant): void {
    const { prng } = this.#world;
    const deadline = probeDeadline(this.#rtt, this.#plan.deadline);
    const beneath = this.#ring(target) === 'underlay';
    const dropped = !beneath && prng.chance(this.#link.loss);
    const rtt = this.#link.rtt + this.#link.jitter * prng.unit();
    const bytes = beneath ? 0 : (this.#plan.packetSize ?? PROBE_BYTES);
    this.#link.count(this.#world.clock.now(), { tx: bytes });
    const lost = dropped || !this.#deliverable(target) || rtt > LATE_AT_MOST_MS;
    const reply = (late: boolean): void => {
      this.#link.count(this.#world.clock.now(), { rx: bytes });
      this.#rtt = observeRtt(this.#rtt, rtt);
      this.#say({ target, outcome: { kind: 'reply', rtt, late } });
    };
    const miss = (): void => this.#say({ target, outcome: { kind: 'lost' } });
    if (this.#link.present && this.#link.refuses && !beneath) {
      this.#at(now + rtt, () => this.#say({ target, outcome: { kind: 'refused', reason: 'no route to destination' } }));
    } else if (!lost && rtt <= deadline) {
      this.#at(now + rtt, (at) =>
        this.#deliverable(target) ? reply(false) : this.#at(Math.max(at, now + deadline), miss),
      );
    } else {
      this.#at(now + deadline, miss);
      if (!lost) this.#at(now + rtt, () => (this.#deliverable(target) ? reply(true) : undefined));
    }
  }

  /** A probe from an address that is not the interface's own is dropped by the provider. */
  #deliverable(target: string): boolean {
    const ring = this.#ring(target);
    if (ring === 'underlay') return this.#link.delivers(ring);
    const { packetSize, source } = this.#plan;
    const fits = packetSize === null || this.#link.passes === null || packetSize <= this.#link.passes;
    const heard = fits && this.#link.loss < 1 && this.#link.address === source && !this.#world.deadTargets.has(target);
    return heard && this.#link.delivers(ring);
  }

  #ring(target: string): 'underlay' | 'pop' | null {
    if (this.#plan.source === null || target.includes('.')) return 'underlay';
    return target === this.#link.pop || target === MULLVAD_POP ? 'pop' : null;
  }

  #say(finding: ProbeFinding): void {
    this.#report(finding);
  }

  /** Nobody sees a probe leave before its answer is due, which is where it would be had it left on time. */
  #patience(): Millis {
    return Math.min(SEND_PATIENCE, this.#link.rtt);
  }

  #at(at: Instant, run: (at: Instant) => void, patience: Millis = 0): void {
    this.#world.at(at, patience, (due) => {
      if (!this.#over) run(due);
    });
  }

  #end(result: Result<void, ProbeError>): void {
    if (this.#over) return;
    this.#over = true;
    this.#resolve(result);
  }
}

function cannotProbe(): ProbeError {
  return { kind: 'not_permitted', operation: 'send probes' };
}
