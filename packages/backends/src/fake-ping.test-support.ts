import type { Millis } from '@hurricane/core';
import type { PingEnd } from './ping-failure.js';
import type { PingListener, SpawnPing } from './ping-process.js';
import type { ProbeClock } from './probe-clock.js';
import type { NetworkMood, SentProbe } from './testing/prober-stage.js';

/** From the start of a process to its first packet. */
const START_UP: Millis = 5;

/** The kernel rounds ping's waits up to its own ticks. */
const TICK: Millis = 4;

/** A router on the way says what it cannot carry; the host then knows by itself. */
interface TooLong {
  readonly kind: 'too_long';
  readonly mtu: number;
}

/** Pings that behave as those of iputils 20221126 do, in a clock's time. */
export class FakePings {
  readonly sent: SentProbe[] = [];
  readonly started: (readonly string[])[] = [];
  mood: NetworkMood | TooLong = { kind: 'answers', after: 1 };
  /** Every ping started from here on ends at once, so. */
  ending: { readonly end: PingEnd; readonly stderr: string } | null = null;
  running = 0;
  readonly #clock: ProbeClock;

  constructor(clock: ProbeClock) {
    this.#clock = clock;
  }

  readonly spawn: SpawnPing = (argv, listener) => {
    this.started.push(argv);
    this.running += 1;
    const ping = new FakePing(argv, listener, this, this.#clock);
    return { kill: () => ping.end({ kind: 'exited', exitCode: null }) };
  };
}

class FakePing {
  readonly #listener: PingListener;
  readonly #host: FakePings;
  readonly #clock: ProbeClock;
  readonly #target: string;
  readonly #source: string | null;
  readonly #packetSize: number | null;
  readonly #period: Millis;
  /** Of a ping that sends one probe and ends: how long it waits for the answer. */
  readonly #wait: Millis | null;
  readonly #answered = new Set<number>();
  #heading: string;
  #alarms: readonly { cancel(): void }[] = [];
  #over = false;

  constructor(argv: readonly string[], listener: PingListener, host: FakePings, clock: ProbeClock) {
    this.#listener = listener;
    this.#host = host;
    this.#clock = clock;
    const option = (name: string): string | null => (argv.includes(name) ? (argv[argv.indexOf(name) + 1] ?? '') : null);
    const payload = Number(option('-s') ?? 56);
    this.#target = argv.at(-1) ?? '';
    this.#source = option('-I');
    // The headers of ICMP over IPv4 and IPv6.
    this.#packetSize = option('-M') === 'do' ? payload + (argv.includes('-4') ? 28 : 48) : null;
    this.#period = Number(option('-i')) * 1_000 + TICK;
    this.#wait = option('-c') === '1' ? Number(option('-W')) * 1_000 : null;
    this.#heading = `PING ${this.#target}(${this.#target}) ${payload} data bytes\n`;
    this.#in(START_UP, () => this.#begin());
  }

  end(how: PingEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#host.running -= 1;
    for (const alarm of this.#alarms) alarm.cancel();
    queueMicrotask(() => this.#listener.ended(how));
  }

  #begin(): void {
    const { ending } = this.#host;
    if (ending === null) {
      this.#send(1);
    } else {
      this.#listener.stderr(ending.stderr);
      this.end(ending.end);
    }
  }

  #send(seq: number): void {
    const { mood, sent } = this.#host;
    if (seq > 1 && !this.#answered.has(seq - 1)) this.#print(`no answer yet for icmp_seq=${(seq - 1) % 65_536}`);
    const packet = { source: this.#source, packetSize: this.#packetSize };
    sent.push({ target: this.#target, at: this.#clock.now(), ...packet });
    if (mood.kind === 'answers') this.#in(mood.after, () => this.#answer(seq, mood.after));
    if (mood.kind === 'refuses') {
      this.#print(`From 2001:db8::ff icmp_seq=${seq % 65_536} Destination unreachable: No route`);
    }
    if (mood.kind === 'too_long' && seq === 1) {
      this.#print(`From 2001:db8::ff icmp_seq=1 Packet too big: mtu=${mood.mtu}`);
    } else if (mood.kind === 'too_long') {
      this.#listener.stderr(`ping: local error: message too long, mtu: ${mood.mtu}\n`);
    }
    if (this.#wait !== null) this.#in(this.#wait, () => this.end({ kind: 'exited', exitCode: 1 }));
    else this.#in(this.#period, () => this.#send(seq + 1));
  }

  #answer(seq: number, rtt: Millis): void {
    this.#answered.add(seq);
    this.#print(`64 bytes from ${this.#target}: icmp_seq=${seq % 65_536} ttl=60 time=${rtt} ms`);
    if (this.#wait !== null) this.end({ kind: 'exited', exitCode: 0 });
  }

  /** The heading waits in ping's buffer for the first line that is flushed. */
  #print(line: string): void {
    this.#listener.stdout(`${this.#heading}${line}\n`);
    this.#heading = '';
  }

  #in(span: Millis, act: () => void): void {
    const alarm = this.#clock.alarm(this.#clock.now() + span, 'fake ping', () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
      if (!this.#over) act();
    });
    this.#alarms = [...this.#alarms, alarm];
  }
}
