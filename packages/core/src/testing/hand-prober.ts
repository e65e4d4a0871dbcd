import { ok, ResultAsync } from 'neverthrow';
import type { Prober } from '../contracts.js';
import type { ProbeFinding, ProbeOutcome, ProbePlan } from '../facts.js';
import type { Millis } from '../units.js';
import { SIMULATED_TARGETS } from './simulated-config.js';
import { abortOf } from './sleep.js';

/** A prober that sends nothing: a test says what it finds. */
export class HandProber implements Prober {
  readonly #watches = new Map<string, { readonly plan: ProbePlan; readonly report: (finding: ProbeFinding) => void }>();
  /** Every plan for the targets that it was given, in order. */
  readonly plans: ProbePlan[] = [];
  /** And every other one: rings, and packets of full size. Nothing is found for those. */
  readonly sidePlans: ProbePlan[] = [];
  readonly #targets: readonly string[];

  constructor(targets: readonly string[] = SIMULATED_TARGETS) {
    this.#targets = targets;
  }

  watch: Prober['watch'] = (plan, report, signal) => {
    if (plan.packetSize !== null || !plan.targets.every((target) => this.#targets.includes(target))) {
      this.sidePlans.push(plan);
      return new ResultAsync(abortOf(signal).then(() => ok(undefined)));
    }
    this.plans.push(plan);
    this.#watches.set(plan.iface, { plan, report });
    return new ResultAsync(abortOf(signal).then(() => ok(undefined)));
  };

  /** The plan last given for an interface; null before the first. */
  plan(iface: string): ProbePlan | null {
    return this.#watches.get(iface)?.plan ?? null;
  }

  reply(
    iface: string,
    { rtt = 20, late = false, target }: { rtt?: Millis; late?: boolean; target?: string } = {},
  ): void {
    this.#say(iface, target, { kind: 'reply', rtt, late });
  }

  lose(iface: string, target?: string): void {
    this.#say(iface, target, { kind: 'lost' });
  }

  refuse(iface: string, target?: string): void {
    this.#say(iface, target, { kind: 'refused', reason: 'no route to destination' });
  }

  #say(iface: string, target: string | undefined, outcome: ProbeOutcome): void {
    const watch = this.#watches.get(iface);
    if (watch === undefined) throw new Error(`nobody probes ${iface}`);
    watch.report({ target: target ?? watch.plan.targets[0]!, outcome });
  }
}
