import type { DriverError } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { CommandRunner, Finished, SpawnError } from '../command.js';
import type { FoundProcess, ProcessTable, RunningProcess, StartedProcess } from '../process-table.js';
import { installHint } from '../tools.js';
import type { WgFiles } from '../wg-files.js';
import { type FakeUnderlay, fakeIp } from './fake-ip.js';
import { FakeKernel } from './fake-kernel.js';
import { type FakeWgHost, FakeWireguard, fakeWgFiles } from './fake-wireguard.js';

export interface FakeHostOptions {
  /** Whether the kernel has `sit` interfaces. Default true. */
  readonly sit?: boolean;
  /** Null: IPv4 goes nowhere. Default: by `eth0` from 192.0.2.10. */
  readonly underlay?: FakeUnderlay | null;
  /** The text of each `/etc/wireguard/NAME.conf`. Default none. */
  readonly wireguard?: Readonly<Record<string, string>>;
  /** Whether the kernel has WireGuard interfaces. Default true. */
  readonly wireguardModule?: boolean;
  /** Whether the kernel has IPv6. Default true. */
  readonly ipv6?: boolean;
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
  readonly wg: FakeWireguard;
  readonly wireguardFiles: WgFiles;
  readonly running: Map<number, readonly string[]> = new Map();
  /** Whose child each is; the first process's, where nothing is said. */
  readonly parents: Map<number, number> = new Map();
  /** Every command so far, as it came. Starting, finding and ending processes count as commands. */
  readonly log: (readonly string[])[] = [];
  readonly surprises: string[] = [];
  /** Where `disable_ipv6` is set: `all`, `default` or interfaces. `ip` then refuses IPv6 addresses everywhere. */
  readonly noIpv6On: Set<string> = new Set();
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
    this.wg = new FakeWireguard(options.wireguard ?? {});
    this.wireguardFiles = fakeWgFiles(this.wg, (argv, signal, act) => this.#answer(argv, signal, act));
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
    const copies = `${this.wg}`;
    return [`${this.kernel}`, ...processes.sort(), ...(copies === '' ? [] : [copies])].join('\n');
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

  find(program: string, signal: AbortSignal): ResultAsync<readonly FoundProcess[], DriverError> {
    const look = (): readonly FoundProcess[] =>
      [...this.running]
        .filter(([, argv]) => argv[0] === program)
        .map(([pid, argv]) => ({ pid, argv, parent: this.parents.get(pid) ?? 1 }));
    return this.#answer(['find', program], signal, look).andThen((found) =>
      found === null ? err<readonly FoundProcess[], DriverError>(failed(['find', program])) : ok(found),
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
    const answer = this.#known(argv);
    this.#endOrphans();
    if (answer !== null) return answer;
    this.surprises.push(argv.join(' '));
    return { exitCode: 255, stdout: '', stderr: 'a command the fake host does not know' };
  }

  /** Null for a command that is not known. */
  #known([program, ...args]: readonly string[]): Finished | null {
    const { sit = true, underlay = { iface: 'eth0', source: '192.0.2.10' } } = this.#options;
    switch (program) {
      case 'ip':
        return this.#refusesIpv6(args) ? NOT_ALLOWED : fakeIp({ kernel: this.kernel, sit, underlay }, args);
      case 'wg-quick':
        return this.wg.quick(this.#wgHost(), args);
      case 'wg':
        return this.wg.show(this.kernel, args);
      case 'getent':
        return this.wg.lookUp(args);
      case 'cat':
        return this.#cat(args[0] ?? '');
      default:
        return null;
    }
  }

  #refusesIpv6(args: readonly string[]): boolean {
    const isChange = args.includes('addr') && !args.includes('show');
    return args.includes('-6') && isChange && (this.noIpv6On.size > 0 || this.#options.ipv6 === false);
  }

  #cat(path: string): Finished | null {
    const where = /^\/proc\/sys\/net\/ipv6\/conf\/([^/]+)\/disable_ipv6$/.exec(path)?.[1];
    if (where === undefined) return null;
    const known =
      this.#options.ipv6 !== false && (where === 'all' || where === 'default' || this.kernel.links.has(where));
    if (!known) return { exitCode: 1, stdout: '', stderr: `cat: ${path}: No such file or directory\n` };
    return { exitCode: 0, stdout: this.noIpv6On.has(where) ? '1\n' : '0\n', stderr: '' };
  }

  #wgHost(): FakeWgHost {
    const startUserspace = (name: string): boolean => {
      if (this.missing.has('wireguard-go')) return false;
      this.#nextPid += 1;
      this.running.set(this.#nextPid, ['wireguard-go', name]);
      return true;
    };
    const ip = (args: readonly string[]): Finished | null => this.#known(['ip', ...args]);
    return { kernel: this.kernel, hasModule: this.#options.wireguardModule ?? true, startUserspace, ip };
  }

  /** wireguard-go ends with its interface. */
  #endOrphans(): void {
    for (const [pid, [program, name = '']] of this.running) {
      if (program === 'wireguard-go' && !this.kernel.links.has(name)) this.running.delete(pid);
    }
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

const NOT_ALLOWED: Finished = { exitCode: 2, stdout: '', stderr: 'RTNETLINK answers: Permission denied\n' };

const FAILED: Finished = { exitCode: 1, stdout: '', stderr: 'injected' };

const failed = (argv: readonly string[]): SpawnError => ({ kind: 'command_failed', argv, ...FAILED });

const missingTool = (tool: string): SpawnError => ({ kind: 'missing_tool', tool, install: installHint(tool) });

const tunOf = (argv: readonly string[]): string | null => /^TUN,tun-name=([^,]+),/.exec(argv[2] ?? '')?.[1] ?? null;
