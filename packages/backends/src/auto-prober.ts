import { execFile } from 'node:child_process';
import { isIPv4 } from 'node:net';
import type { Millis, ProbeError, ProbeMethod, ProbePlan, Prober } from '@hurricane/core';
import { fromAsyncThrowable, ok, type Result, ResultAsync } from 'neverthrow';
import { pingProber } from './ping.js';
import { socketProber } from './socket-prober.js';

/** `ping -V` answers within milliseconds. */
const LOOK_TIMEOUT: Millis = 2_000;

export interface AutoProberOptions {
  /** `auto`: ICMPv6 where `ping` is there and may be used, else TCP. */
  readonly method: ProbeMethod;
  /** What TCP and UDP probes go to. */
  readonly port: number;
  /** Default: whether iputils ping can be run. */
  readonly pingAvailable?: () => Promise<boolean>;
  /** Default: `pingProber()`. */
  readonly icmp?: Prober;
  /** Default: `socketProber` over TCP. */
  readonly tcp?: Prober;
  /** Default: `socketProber` over UDP. */
  readonly udp?: Prober;
}

/** A prober that can say how it probes. */
export interface DescribedProber extends Prober {
  /** For one line of a log, such as `ICMPv6 echo`. Before the first watch of `auto`: that it is open. */
  describe(): string;
}

/**
 * Picks the way to probe. `auto` looks for ping at the first watch and keeps to what it found, save
 * that it turns to TCP for good when ping proves to be missing or not permitted.
 *
 * Plans that only ping can follow go to ping whatever the method, and err as it does where it cannot be
 * used; what `auto` has picked for the others does not change with that.
 */
export function autoProber(options: AutoProberOptions): DescribedProber {
  const icmp = options.icmp ?? pingProber();
  const usual = usualProber(options, icmp);
  return {
    watch: (plan, report, signal) => (needsPing(plan) ? icmp : usual).watch(plan, report, signal),
    describe: () => usual.describe(),
  };
}

/** Sockets choose no packet's length, and what answers at an IPv4 tunnel server is its ICMP. */
function needsPing({ targets, packetSize }: ProbePlan): boolean {
  return packetSize !== null || targets.some((target) => isIPv4(target));
}

function usualProber(options: AutoProberOptions, icmp: Prober): DescribedProber {
  const { method, port } = options;
  const tcp = options.tcp ?? socketProber({ method: 'tcp', port });
  if (method === 'tcp') return described(tcp, `TCP to port ${port}`);
  if (method === 'udp') return described(options.udp ?? socketProber({ method: 'udp', port }), `UDP to port ${port}`);
  if (method === 'icmp') return described(icmp, 'ICMPv6 echo');
  return new ChoosingProber({ icmp, tcp, port, pingAvailable: options.pingAvailable ?? pingRuns });
}

const described = (prober: Prober, text: string): DescribedProber => ({
  watch: (plan, report, signal) => prober.watch(plan, report, signal),
  describe: () => text,
});

interface Choice {
  readonly icmp: Prober;
  readonly tcp: Prober;
  readonly port: number;
  readonly pingAvailable: () => Promise<boolean>;
}

class ChoosingProber implements DescribedProber {
  readonly #choice: Choice;
  #looked: Promise<void> | null = null;
  #picked: 'icmp' | 'tcp' | null = null;

  constructor(choice: Choice) {
    this.#choice = choice;
  }

  describe(): string {
    if (this.#picked === null) return 'ICMPv6 echo or TCP, not decided yet';
    const { port } = this.#choice;
    return this.#picked === 'icmp' ? 'ICMPv6 echo' : `TCP to port ${port}, as ping cannot be used`;
  }

  watch(...watch: Parameters<Prober['watch']>): ResultAsync<void, ProbeError> {
    return new ResultAsync(this.#watch(watch));
  }

  async #watch(watch: Parameters<Prober['watch']>): Promise<Result<void, ProbeError>> {
    const signal = watch[2];
    this.#looked ??= this.#look();
    await Promise.race([this.#looked, aborted(signal)]);
    if (signal.aborted) return ok();
    if (this.#picked === 'icmp') {
      const end = await this.#choice.icmp.watch(...watch);
      if (end.isOk() || !cannotPing(end.error)) return end;
      if (signal.aborted) return ok();
      this.#picked = 'tcp';
    }
    return this.#choice.tcp.watch(...watch);
  }

  async #look(): Promise<void> {
    const found = await fromAsyncThrowable(this.#choice.pingAvailable)();
    this.#picked = found.unwrapOr(false) ? 'icmp' : 'tcp';
  }
}

const cannotPing = (error: ProbeError): boolean => error.kind === 'missing_tool' || error.kind === 'not_permitted';

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Other pings, such as busybox's, lack `-O`, without which their losses cannot be told in time. */
function pingRuns(): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('ping', ['-V'], { timeout: LOOK_TIMEOUT, killSignal: 'SIGKILL' }, (error, stdout) =>
      resolve(error === null && stdout.includes('iputils')),
    );
  });
}
