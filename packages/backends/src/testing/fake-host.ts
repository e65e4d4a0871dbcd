import type { DriverError } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { CommandRunner, Finished, SpawnError } from '../command.js';
import type { ProcessTable, RunningProcess, StartedProcess } from '../process-table.js';
import { installHint } from '../tools.js';
import { type FakeUnderlay, fakeIp } from './fake-ip.js';
import { FakeKernel } from './fake-kernel.js';

export interface FakeHostOptions {
  /** Whether the kernel has `sit` interfaces. Default true. */
  readonly sit?: boolean;
  /** Null: IPv4 goes nowhere. Default: by `eth0` from 192.0.2.10. */
  readonly underlay?: FakeUnderlay | null;
  /** The addresses that each `/etc/wireguard/NAME.conf` gives. Default none. */
  readonly wireguard?: Readonly<Record<string, readonly string[]>>;
}

/** Whether a command that is made to fail has done its work first. */
export type FaultMoment = 'before' | 'after';

/**
 * As much of a Linux host as our drivers touch: it runs their commands and keeps their processes.
 * Prints itself as text, to compare two hosts by. A command it does not know is a surprise, which
 * fails the test rather than the driver.
 */
export class FakeHost implements CommandRunner, ProcessTable {
  readonly kernel: FakeKernel = new FakeKernel();
  readonly running: Map<number, readonly string[]> = new Map();
  /** Every command so far, as it came. Starting, finding and ending processes count as commands. */
  readonly log: (readonly string[])[] = [];
  readonly surprises: string[] = [];
  /** Programs that are not installed. */
  readonly missing: Set<string> = new Set();
  /** The host as text after each command that altered it: ends alone would hide a tunnel torn down and rebuilt. */
  readonly moments: string[] = [];
  readonly #options: FakeHostOptions;
  #fault: { nth: number; readonly moment: FaultMoment } | null = null;
  #hangs = false;
  #nextPid = 4_711;

  constructor(options: FakeHostOptions = {}) {
    this.#options = options;
    this.kernel.addRule({ pref: 0, from: null, oif: null, table: 255, protocol: null });
    this.kernel.addRule({ pref: 32_766, from: null, oif: null, table: 254, protocol: null });
    this.kernel.addLink('eth0', { up: true });
  }

  /** Makes the nth command from now fail, counted from 0. */
  failNth(nth: number, moment: FaultMoment): void {
    this.#fault = { nth, moment };
  }

  failNothing(): void {
    this.#fault = null;
  }

  /** From now on nothing is answered but an abort. */
  hang(on: boolean): void {
    this.#hangs = on;
  }

  /** How many commands altered the host. */
  get changes(): number {
    return this.moments.length;
  }

  toString(): string {
    const processes = [...this.running.values()].map((argv) => `process ${argv.join(' ')}`);
    return [`${this.kernel}`, ...processes.sort()].join('\n');
  }

  run(argv: readonly string[], signal: AbortSignal): ResultAsync<Finished, SpawnError> {
    const tool = argv[0] ?? '';
    if (this.missing.has(tool)) return new ResultAsync(Promise.resolve(err(missingTool(tool))));
    return this.#answer(argv, signal, () => this.#obey(argv)).map((finished) => finished ?? FAILED);
  }

  start(argv: readonly string[], signal: AbortSignal): ResultAsync<StartedProcess, SpawnError> {
    const tool = argv[0] ?? '';
    if (this.missing.has(tool)) return new ResultAsync(Promise.resolve(err(missingTool(tool))));
    return this.#answer(['start', ...argv], signal, () => this.#start(argv)).andThen((pid) =>
      pid === null ? err(failed(argv)) : ok({ pid, ended: new Promise<number | null>(() => {}) }),
    );
  }

  find(program: string, signal: AbortSignal): ResultAsync<readonly RunningProcess[], DriverError> {
    const look = (): readonly RunningProcess[] =>
      [...this.running].filter(([, argv]) => argv[0] === program).map(([pid, argv]) => ({ pid, argv }));
    return this.#answer(['find', program], signal, look).andThen((found) =>
      found === null ? err<readonly RunningProcess[], DriverError>(failed(['find', program])) : ok(found),
    );
  }

  end(running: RunningProcess, signal: AbortSignal): ResultAsync<void, DriverError> {
    const argv = ['end', ...running.argv];
    return this.#answer(argv, signal, () => this.#end(running.pid)).andThen((ended) =>
      ended === null ? err<void, DriverError>(failed(argv)) : okAsync(undefined),
    );
  }

  /** Null when this command was to fail. */
  #answer<T>(argv: readonly string[], signal: AbortSignal, act: () => T): ResultAsync<T | null, SpawnError> {
    const aborted = err<T | null, SpawnError>({ kind: 'aborted' });
    const answer = async (): Promise<Result<T | null, SpawnError>> => {
      this.log.push(argv);
      if (signal.aborted) return aborted;
      if (this.#hangs) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        return aborted;
      }
      const fails = this.#fault !== null && this.#fault.nth-- === 0 ? this.#fault.moment : null;
      if (fails !== null) this.#fault = null;
      const before = `${this}`;
      const result = fails === 'before' ? null : act();
      if (`${this}` !== before) this.moments.push(`${this}`);
      return ok(fails === null ? result : null);
    };
    return new ResultAsync(answer());
  }

  #obey(argv: readonly string[]): Finished {
    const [program, ...args] = argv;
    const { sit = true, underlay = { iface: 'eth0', source: '192.0.2.10' } } = this.#options;
    const answer =
      program === 'ip'
        ? fakeIp({ kernel: this.kernel, sit, underlay }, args)
        : program === 'wg-quick'
          ? this.#wgQuick(args[0] ?? '', args[1] ?? '')
          : null;
    if (answer !== null) return answer;
    this.surprises.push(argv.join(' '));
    return { exitCode: 255, stdout: '', stderr: 'a command the fake host does not know' };
  }

  #wgQuick(verb: string, name: string): Finished | null {
    const addresses = this.#options.wireguard?.[name];
    if (verb !== 'up' && verb !== 'down') return null;
    const no = (stderr: string): Finished => ({ exitCode: 1, stdout: '', stderr });
    if (addresses === undefined) return no(`wg-quick: \`/etc/wireguard/${name}.conf' does not exist`);
    const isThere = this.kernel.links.has(name);
    if (isThere === (verb === 'up')) return no(`wg-quick: \`${name}' ${isThere ? 'already exists' : 'is not up'}`);
    if (verb === 'down') this.kernel.removeLink(name);
    else {
      const given = new Map(addresses.map((address) => [address, []]));
      this.kernel.addLink(name, { kind: 'wireguard', up: true, mtu: 1420, addresses: given });
    }
    return { exitCode: 0, stdout: '', stderr: '' };
  }

  /** socat is all that is started; its interface is there at once. */
  #start(argv: readonly string[]): number {
    const name = tunOf(argv);
    if (name === null) this.surprises.push(`start ${argv.join(' ')}`);
    else this.kernel.addLink(name, { kind: 'tun', up: true });
    this.#nextPid += 1;
    this.running.set(this.#nextPid, argv);
    return this.#nextPid;
  }

  #end(pid: number): boolean {
    const name = tunOf(this.running.get(pid) ?? []);
    if (name !== null) this.kernel.removeLink(name);
    return this.running.delete(pid);
  }
}

const FAILED: Finished = { exitCode: 1, stdout: '', stderr: 'injected' };

const failed = (argv: readonly string[]): SpawnError => ({ kind: 'command_failed', argv, ...FAILED });

const missingTool = (tool: string): SpawnError => ({ kind: 'missing_tool', tool, install: installHint(tool) });

const tunOf = (argv: readonly string[]): string | null => /^TUN,tun-name=([^,]+),/.exec(argv[2] ?? '')?.[1] ?? null;
