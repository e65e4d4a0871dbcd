import type { Event } from '../effects.js';
import type { ProbeOutcome, ProbePlan } from '../facts.js';
import { jittered } from '../jitter.js';
import { observeRtt, probeDeadline, type RttEstimate } from '../rtt.js';
import type { ProbeStream } from '../side-probes.js';
import type { Instant, Millis } from '../units.js';
import type { Agenda } from './agenda.js';
import type { Ground, Reach } from './ground.js';

/** The mean of what probers draw. */
const MEAN_CHANCE = 0.5;

/** A reply later than this is taken for none at all. */
const LATE_AT_MOST: Millis = 10_000;

/** What is due at a moment: perhaps an event for the gateway. */
export type Happening = (now: Instant) => Event | null;

/** One row of probes. Another plan for the same row is another object. */
interface Stream {
  readonly tunnel: string;
  readonly epoch: number;
  readonly stream: ProbeStream;
  readonly plan: ProbePlan;
  sent: number;
  rtt: RttEstimate | null;
}

/** Probes that are answered by the ground, in imagined time. */
export class ImaginedProber {
  readonly #ground: Ground;
  readonly #agenda: Agenda<Happening>;
  readonly #targets: ReadonlySet<string>;
  readonly #streams = new Map<string, Stream>();

  /** @param targets in the Internet; whoever else is asked inside a tunnel is its provider's own end. */
  constructor(ground: Ground, agenda: Agenda<Happening>, targets: readonly string[]) {
    this.#ground = ground;
    this.#agenda = agenda;
    this.#targets = new Set(targets);
  }

  /** @param firstAt when the first probe leaves. Plan null: no more probes. */
  begin(
    row: { readonly tunnel: string; readonly epoch: number; readonly stream: ProbeStream },
    plan: ProbePlan | null,
    firstAt: Instant,
  ): void {
    const key = `${row.stream} ${row.tunnel}`;
    if (plan === null) {
      this.#streams.delete(key);
      return;
    }
    const begun: Stream = { ...row, plan, sent: 0, rtt: plan.rtt };
    this.#streams.set(key, begun);
    this.#at(firstAt, begun, (now) => this.#send(begun, now));
  }

  #send(row: Stream, now: Instant): null {
    const { plan, tunnel } = row;
    const target = plan.targets[row.sent % plan.targets.length]!;
    row.sent += 1;
    this.#at(now + jittered(plan.interval, MEAN_CHANCE), row, (at) => this.#send(row, at));
    const deadline = probeDeadline(row.rtt, plan.deadline);
    const rtt = this.#ground.answer(tunnel, this.#reachOf(row.stream, target), now);
    const tell = (after: Millis, outcome: ProbeOutcome): void => {
      this.#at(now + after, row, () => {
        if (outcome.kind === 'reply') row.rtt = observeRtt(row.rtt, outcome.rtt);
        return { type: 'probed', tunnel, epoch: row.epoch, stream: row.stream, finding: { target, outcome } };
      });
    };
    if (rtt !== null && rtt <= deadline) tell(rtt, { kind: 'reply', rtt, late: false });
    else {
      tell(deadline, { kind: 'lost' });
      if (rtt !== null && rtt <= LATE_AT_MOST) tell(rtt, { kind: 'reply', rtt, late: true });
    }
    return null;
  }

  #reachOf(stream: ProbeStream, target: string): Reach {
    if (stream === 'underlay') return 'underlay';
    return this.#targets.has(target) ? 'target' : 'pop';
  }

  /** Happens only while that very row is still going. */
  #at(at: Instant, row: Stream, happening: Happening): void {
    this.#agenda.note(at, (now) => (this.#streams.get(`${row.stream} ${row.tunnel}`) === row ? happening(now) : null));
  }
}
