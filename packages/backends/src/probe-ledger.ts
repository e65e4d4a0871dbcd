import {
  type Instant,
  type Millis,
  observeRtt,
  type ProbeOutcome,
  probeDeadline,
  type RttEstimate,
} from '@hurricane/core';

/** Probes without an answer that are kept; more can only be due when this process has stood still. */
const OUTSTANDING_LIMIT = 256;

/** Lost probes remembered, so that a late reply is known for what it is. */
const LATE_LIMIT = 256;

/** How far a round trip may exceed the time since its probe was due before the wall clock is to blame. */
const RTT_SLACK: Millis = 1_000;

export interface LedgerOptions {
  /** Between two probes. */
  readonly period: Millis;
  readonly deadline: { readonly min: Millis; readonly max: Millis };
  readonly rtt: RttEstimate | null;
  /** When the first probe, number 1, is taken to leave. */
  readonly firstSent: Instant;
}

/**
 * Keeps account of numbered probes that leave at a steady pace elsewhere.
 *
 * Nobody tells when a probe leaves: that follows from the last one whose departure is known and from
 * the pace. Every probe ends once, and a lost one may end a second time, as a late reply.
 */
export class ProbeLedger {
  readonly #period: Millis;
  readonly #deadline: LedgerOptions['deadline'];
  #estimate: RttEstimate | null;
  /** The departure all others are counted from. */
  #known: { readonly seq: number; readonly at: Instant };
  /** The first probe that has not ended. */
  #oldest = 1;
  /** Later ones that have. */
  readonly #ended = new Set<number>();
  readonly #lost = new Set<number>();
  /** The last probe known not to have left, and when that was told. */
  #unsent: { readonly seq: number; readonly at: Instant } | null = null;

  constructor(options: LedgerOptions) {
    this.#period = options.period;
    this.#deadline = options.deadline;
    this.#estimate = options.rtt;
    this.#known = { seq: 1, at: options.firstSent };
  }

  get estimate(): RttEstimate | null {
    return this.#estimate;
  }

  /** A reply arrived at `now`. Null: it says nothing new. */
  reply(seq16: number, rtt: Millis, now: Instant): ProbeOutcome | null {
    const seq = this.#unwrap(seq16, now);
    if (seq === null) return null;
    const late = this.#lost.delete(seq);
    if (!late && !this.#end(seq)) return null;
    const measured = this.#plausible(seq, rtt, now);
    this.#estimate = observeRtt(this.#estimate, measured);
    if (!late) this.#learn(seq, now - measured);
    return { kind: 'reply', rtt: measured, late };
  }

  /** The network refused a probe. Null: that probe has ended already. */
  refused(seq16: number, reason: string, now: Instant): ProbeOutcome | null {
    const seq = this.#unwrap(seq16, now);
    return seq !== null && this.#end(seq) ? { kind: 'refused', reason } : null;
  }

  /**
   * The probe that was due at about `now` could not leave. Told several times at one instant, as after
   * a standstill of ours: so many probes could not, that one and those before it.
   */
  unsent(reason: string, now: Instant): ProbeOutcome | null {
    const due = this.#known.seq + Math.round((now - this.#known.at) / this.#period);
    const seq = this.#unsent?.at === now ? this.#unsent.seq - 1 : Math.max(1, due);
    this.#unsent = { seq, at: now };
    return this.#end(seq) ? { kind: 'refused', reason } : null;
  }

  /** The probe after `seq16` left at `now`. */
  departed(seq16: number, now: Instant): void {
    const seq = this.#unwrap(seq16, now);
    if (seq !== null) this.#learn(seq + 1, now);
  }

  /** The probes whose time is up at `now`. */
  expire(now: Instant): readonly ProbeOutcome[] {
    // After a standstill of ours, what became of the probes before is unknown, not bad.
    const latest = this.#known.seq + Math.floor((now - this.#known.at) / this.#period);
    if (latest - this.#oldest >= OUTSTANDING_LIMIT) this.#forgetBefore(latest - OUTSTANDING_LIMIT + 1);
    const outcomes: ProbeOutcome[] = [];
    while (this.#dueOf(this.#oldest) <= now) {
      this.#lost.add(this.#oldest);
      this.#end(this.#oldest);
      outcomes.push({ kind: 'lost' });
    }
    for (const seq of this.#lost) {
      if (this.#lost.size <= LATE_LIMIT) break;
      this.#lost.delete(seq);
    }
    return outcomes;
  }

  /** When `expire` next has something to do. */
  get nextDue(): Instant {
    return this.#dueOf(this.#oldest);
  }

  #dueOf(seq: number): Instant {
    return this.#sentAt(seq) + probeDeadline(this.#estimate, this.#deadline);
  }

  #sentAt(seq: number): Instant {
    return this.#known.at + (seq - this.#known.seq) * this.#period;
  }

  /** False when the probe had ended before. */
  #end(seq: number): boolean {
    if (seq < this.#oldest || this.#ended.has(seq)) return false;
    this.#ended.add(seq);
    this.#advance();
    return true;
  }

  #advance(): void {
    while (this.#ended.delete(this.#oldest)) this.#oldest += 1;
  }

  #forgetBefore(seq: number): void {
    for (const ended of this.#ended) if (ended < seq) this.#ended.delete(ended);
    this.#oldest = seq;
    this.#advance();
  }

  #learn(seq: number, at: Instant): void {
    if (seq >= this.#known.seq) this.#known = { seq, at };
  }

  /** ping takes round trips from the wall clock, which may be set in the middle of one. */
  #plausible(seq: number, rtt: Millis, now: Instant): Millis {
    const elapsed = Math.max(0, now - this.#sentAt(seq));
    return rtt <= elapsed + RTT_SLACK ? rtt : elapsed;
  }

  /** The full number nearest to those in flight. Null for one that cannot have been sent. */
  #unwrap(seq16: number, now: Instant): number | null {
    const distance = ((seq16 - this.#known.seq) << 16) >> 16;
    const seq = this.#known.seq + distance;
    const latest = this.#known.seq + (now - this.#known.at) / this.#period;
    return seq >= 1 && seq <= latest + OUTSTANDING_LIMIT ? seq : null;
  }
}
