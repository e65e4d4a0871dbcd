import {
  type Instant,
  jittered,
  type Millis,
  observeRtt,
  type ProbePlan,
  type Prober,
  probeDeadline,
  type RttEstimate,
} from '@hurricane/core';
import { NO_PING } from './ping-failure.js';
import { type ProbeClock, probeClock } from './probe-clock.js';
import { type ProbeWatch, runProbeWatch } from './probe-watch.js';
import { type OpenProbe, type SendProbe, type SocketAnswer, sendTcpProbe, sendUdpProbe } from './socket-probe.js';

/**
 * How long after its departure a lost probe may still come back.
 *
 * TCP repeats its SYN after a second (RFC 6298 section 2.1): an answer after that is perhaps not the
 * first one's, which may well be lost.
 */
const LATE_LIMIT: { readonly [M in SocketProbeMethod]: Millis } = { tcp: 1_000, udp: 3_000 };

/** Sockets one watch holds at a time, the lost ones' included. */
const OPEN_LIMIT = 64;

export type SocketProbeMethod = 'tcp' | 'udp';

export interface SocketProberOptions {
  readonly method: SocketProbeMethod;
  /** 1 to 65535. */
  readonly port: number;
  /** Sends one probe; for tests. Default: by sockets. */
  readonly send?: SendProbe;
  /** Default: the host's monotonic clock. */
  readonly clock?: ProbeClock;
  /** From 0 to 1, for the jitter. Default: `Math.random`. */
  readonly random?: () => number;
}

/**
 * Probes with TCP handshakes or UDP datagrams to one port, by sockets bound to the plan's source.
 *
 * Needs no tool and no privilege. A port that is closed answers as well as an open one; only UDP to
 * a port that drops what it does not understand stays silent. Round trips include the delay of a
 * busy event loop, so prefer ICMP where it is to be had.
 *
 * Errs with `interface_missing` when the source address is not on this host, and with `missing_tool` for
 * a plan with a packet size: sockets do not choose it, ping does.
 */
export function socketProber(options: SocketProberOptions): Prober {
  const { method, port, clock = probeClock, random = Math.random } = options;
  const send = options.send ?? (method === 'tcp' ? sendTcpProbe : sendUdpProbe);
  return {
    watch: (plan, report, signal) =>
      runProbeWatch(report, signal, (watch) => {
        if (plan.packetSize !== null) {
          watch.fail(NO_PING);
          return () => Promise.resolve();
        }
        const round = new SocketRound({ plan, port, clock, random, send, lateLimit: LATE_LIMIT[method], watch });
        return () => Promise.resolve(round.stop());
      }),
  };
}

interface RoundOptions {
  readonly plan: ProbePlan;
  readonly port: number;
  readonly clock: ProbeClock;
  readonly random: () => number;
  readonly send: SendProbe;
  readonly lateLimit: Millis;
  readonly watch: ProbeWatch;
}

interface Flight {
  readonly target: string;
  readonly sentAt: Instant;
  readonly socket: OpenProbe;
  lost: boolean;
}

/** Sends to the targets in turn and keeps account of what is on its way. One alarm. */
class SocketRound {
  readonly #options: RoundOptions;
  /** In order of departure. */
  readonly #flights = new Set<Flight>();
  readonly #estimates = new Map<string, RttEstimate>();
  #turn = 0;
  #nextSend: Instant;
  #alarm: { cancel(): void } = { cancel: () => {} };
  #stopped = false;

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#nextSend = options.clock.now();
    this.#wait();
  }

  stop(): void {
    this.#stopped = true;
    this.#alarm.cancel();
    for (const flight of this.#flights) flight.socket.close();
    this.#flights.clear();
  }

  #wait(): void {
    this.#alarm.cancel();
    if (this.#stopped) return;
    let next = this.#nextSend;
    for (const flight of this.#flights) next = Math.min(next, this.#dueOf(flight));
    this.#alarm = this.#options.clock.alarm(next, 'socket probes', () => this.#wake());
  }

  #wake(): void {
    const now = this.#options.clock.now();
    for (const flight of this.#flights) if (this.#dueOf(flight) <= now) this.#expire(flight);
    if (now >= this.#nextSend && !this.#stopped) this.#send(now);
    this.#wait();
  }

  #send(now: Instant): void {
    const { plan, port, clock, random, send } = this.#options;
    const target = plan.targets[this.#turn % plan.targets.length] ?? '';
    this.#turn += 1;
    const pause = jittered(plan.interval, random());
    // Probes missed while this process stood still are not made up for.
    this.#nextSend = this.#nextSend + pause < now ? now + pause : this.#nextSend + pause;
    for (const oldest of this.#flights) {
      if (this.#flights.size < OPEN_LIMIT) break;
      this.#drop(oldest);
    }
    const probe = { target, port, source: plan.source, now: () => clock.now() };
    const socket = send(probe, (answer) => this.#answer(flight, answer));
    const flight: Flight = { target, sentAt: now, socket, lost: false };
    this.#flights.add(flight);
  }

  #answer(flight: Flight, answer: SocketAnswer): void {
    const { plan, watch } = this.#options;
    if (!this.#flights.delete(flight) || this.#stopped) return;
    const { target, lost } = flight;
    if (answer.kind === 'no_source') {
      watch.fail({ kind: 'interface_missing', iface: plan.iface });
    } else if (answer.kind === 'answered') {
      this.#estimates.set(target, observeRtt(this.#estimateOf(target), answer.rtt));
      watch.report({ target, outcome: { kind: 'reply', rtt: answer.rtt, late: lost } });
    } else if (!lost) {
      watch.report({ target, outcome: { kind: 'refused', reason: answer.reason } });
    }
    this.#wait();
  }

  /** A flight's time is up: first its deadline, then its last chance to come late. */
  #expire(flight: Flight): void {
    const deadlinePassed = flight.lost;
    this.#lose(flight);
    if (deadlinePassed || this.#dueOf(flight) <= this.#options.clock.now()) this.#drop(flight);
  }

  #drop(flight: Flight): void {
    this.#lose(flight);
    flight.socket.close();
    this.#flights.delete(flight);
  }

  #lose(flight: Flight): void {
    if (flight.lost) return;
    flight.lost = true;
    this.#options.watch.report({ target: flight.target, outcome: { kind: 'lost' } });
  }

  #dueOf(flight: Flight): Instant {
    if (flight.lost) return flight.sentAt + this.#options.lateLimit;
    return flight.sentAt + probeDeadline(this.#estimateOf(flight.target), this.#options.plan.deadline);
  }

  #estimateOf(target: string): RttEstimate | null {
    return this.#estimates.get(target) ?? this.#options.plan.rtt;
  }
}
