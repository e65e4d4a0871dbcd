import type { Instant, Millis, ProbeError, ProbeOutcome, ProbePlan, RttEstimate } from '@hurricane/core';
import { isSingle, pingArgv } from './ping-argv.js';
import { judgePingEnd, type PingEnd } from './ping-failure.js';
import { LineCutter, parsePingLine } from './ping-output.js';
import type { PingProcess, SpawnPing } from './ping-process.js';
import type { ProbeClock } from './probe-clock.js';
import { ProbeLedger } from './probe-ledger.js';

/**
 * From starting ping to its first packet, until its first line tells. Measured: 4 to 7 ms on an idle
 * machine. Too short calls a first probe lost early, too long notices a first loss late.
 */
const START_UP: Millis = 10;

/** Between two starts of a ping that finds no route. */
const RESTART_FLOOR: Millis = 100;

/** How much of ping's standard error an error carries. */
const STDERR_LIMIT = 1_024;

/** How long to wait for a killed ping to be gone; SIGKILL takes about a millisecond. */
const KILL_WAIT: Millis = 80;

export interface PingerOptions {
  readonly plan: ProbePlan;
  readonly target: string;
  /** When to start. */
  readonly at: Instant;
  /** Between two probes of this target, in whole milliseconds. */
  readonly period: Millis;
  readonly clock: ProbeClock;
  readonly spawn: SpawnPing;
  report(outcome: ProbeOutcome): void;
  fail(error: ProbeError): void;
}

/** Probes one target: by one ping, or another where the network had no route; by one after another if seldom. */
export class Pinger {
  readonly #options: PingerOptions;
  #estimate: RttEstimate | null;
  #alarm: { cancel(): void };
  #process: PingProcess | null = null;
  #stopped = false;
  #gone: () => void = () => {};

  constructor(options: PingerOptions) {
    this.#options = options;
    this.#estimate = options.plan.rtt;
    this.#alarm = options.clock.alarm(options.at, 'start ping', () => this.#start());
  }

  /** Ends the ping; settles once it is gone, or after a bound when the system does not let go of it. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#alarm.cancel();
    const running = this.#process;
    if (running === null) return Promise.resolve();
    return new Promise((resolve) => {
      const { clock } = this.#options;
      const waited = clock.alarm(clock.now() + KILL_WAIT, 'ping killed', resolve);
      this.#gone = () => {
        waited.cancel();
        resolve();
      };
      running.kill();
    });
  }

  #start(): void {
    const { clock, period, plan, target, spawn } = this.#options;
    const startedAt = clock.now();
    const { deadline } = plan;
    const ledger = new ProbeLedger({ period, deadline, rtt: this.#estimate, firstSent: startedAt + START_UP });
    const argv = pingArgv(plan, target, period);
    const out = new LineCutter();
    const err = new LineCutter();
    let stderr = '';
    const read = (lines: readonly string[]): void => {
      if (this.#stopped) return;
      const now = clock.now();
      for (const line of lines) this.#report(record(line, ledger, now));
      this.#watch(ledger);
    };
    this.#process = spawn(argv, {
      stdout: (chunk) => read(out.push(chunk)),
      stderr: (chunk) => {
        stderr = keepStart(stderr, chunk);
        read(err.push(chunk));
      },
      ended: (end) => {
        this.#process = null;
        this.#estimate = ledger.estimate;
        if (this.#stopped) this.#gone();
        else this.#ended(end, { stderr, argv, startedAt });
      },
    });
    this.#watch(ledger);
  }

  /** Sets the alarm for the next deadline. */
  #watch(ledger: ProbeLedger): void {
    this.#alarm.cancel();
    if (this.#stopped) return;
    const { clock } = this.#options;
    this.#alarm = clock.alarm(ledger.nextDue, 'probe deadline', () => {
      for (const outcome of ledger.expire(clock.now())) this.#report(outcome);
      this.#watch(ledger);
    });
  }

  #ended(end: PingEnd, ping: { stderr: string; argv: readonly string[]; startedAt: Instant }): void {
    const { period, plan } = this.#options;
    this.#alarm.cancel();
    if (isSingle(period) && end.kind === 'exited' && (end.exitCode === 0 || end.exitCode === 1)) {
      this.#again(ping.startedAt + period);
      return;
    }
    const verdict = judgePingEnd(end, ping.stderr, { argv: ping.argv, iface: plan.iface });
    if (verdict.kind === 'broken') this.#options.fail(verdict.error);
    else this.#report({ kind: 'refused', reason: verdict.reason });
    if (this.#stopped || verdict.kind === 'broken') return;
    this.#again(ping.startedAt + Math.max(period, RESTART_FLOOR));
  }

  #again(at: Instant): void {
    const { clock } = this.#options;
    this.#alarm = clock.alarm(Math.max(clock.now(), at), 'restart ping', () => this.#start());
  }

  #report(outcome: ProbeOutcome | null): void {
    if (outcome !== null && !this.#stopped) this.#options.report(outcome);
  }
}

/** Enters one line of ping's in the ledger. */
function record(line: string, ledger: ProbeLedger, now: Instant): ProbeOutcome | null {
  const said = parsePingLine(line);
  switch (said.kind) {
    case 'reply':
      return ledger.reply(said.seq, said.rtt, now);
    case 'unanswered':
      ledger.departed(said.seq, now);
      return null;
    case 'unreachable':
      return ledger.refused(said.seq, said.reason, now);
    case 'send_failed':
      return ledger.unsent(said.reason, now);
    case 'other':
      return null;
  }
}

/** The first lines say what is wrong; what a long-lived ping warns of later does not matter. */
function keepStart(kept: string, chunk: string): string {
  return kept.length >= STDERR_LIMIT ? kept : (kept + chunk).slice(0, STDERR_LIMIT);
}
