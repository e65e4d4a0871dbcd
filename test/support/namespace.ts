import { type CommandOptions, type Finished, mustRun, Running, run } from './command.js';
import { waitFor } from './wait-for.js';

/** Killed processes are gone within milliseconds; a machine under load may take longer to say so. */
const KILL_LIMIT = 5_000;

/** One network namespace of this process, and what runs in it. */
export class Namespace {
  /** As `ip netns list` shows it. */
  readonly name: string;
  #programs: readonly Running[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Runs a command inside to its end; a failing one is an answer, not an error. */
  exec(argv: readonly string[], options?: CommandOptions): Promise<Finished> {
    return run(this.#inside(argv), options);
  }

  /** Runs a command inside that has to succeed; resolves to its output. */
  must(argv: readonly string[], options?: CommandOptions): Promise<string> {
    return mustRun(this.#inside(argv), options);
  }

  /** Starts a program inside. It is killed with the namespace. */
  spawn(argv: readonly string[], env?: Readonly<Record<string, string>>): Running {
    const program = new Running(this.#inside(argv), env);
    this.#programs = [...this.#programs.filter((earlier) => !earlier.ended), program];
    return program;
  }

  /** Runs lines of `ip` commands inside, all in one process. */
  async ip(...lines: readonly string[]): Promise<void> {
    await mustRun(['ip', '-n', this.name, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** The same for IPv6, where a line alone does not tell the family: `route add default`, `rule add from all`. */
  async ip6(...lines: readonly string[]): Promise<void> {
    await mustRun(['ip', '-6', '-n', this.name, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** Loads an nftables script inside, as one transaction. */
  async nft(script: string): Promise<void> {
    await this.must(['nft', '-f', '-'], { input: script });
  }

  /** Sets kernel parameters, each as `key=value`. */
  async sysctl(...settings: readonly string[]): Promise<void> {
    await this.must(['sysctl', '-qw', ...settings]);
  }

  /** Kills every process inside and removes the namespace. One that is not there is no error. */
  async remove(): Promise<void> {
    this.killPrograms();
    await waitFor(() => this.#killAll(), KILL_LIMIT, `the processes in ${this.name} to end`);
    const { exitCode, stderr } = await run(['ip', 'netns', 'del', this.name]);
    if (exitCode !== 0 && !stderr.includes('No such file')) throw new Error(`cannot remove ${this.name}: ${stderr}`);
  }

  /** Kills what `spawn` started. Some of it may not be inside yet: `ip netns exec` enters a little later. */
  killPrograms(): void {
    for (const program of this.#programs) if (!program.ended) program.signal('SIGKILL');
  }

  /** True once nothing runs inside. */
  async #killAll(): Promise<boolean> {
    const { stdout } = await run(['ip', 'netns', 'pids', this.name]);
    const pids = stdout.split('\n').filter((line) => line !== '');
    for (const pid of pids) kill(Number(pid));
    return pids.length === 0;
  }

  #inside(argv: readonly string[]): readonly string[] {
    return ['ip', 'netns', 'exec', this.name, ...argv];
  }
}

/** Ends a process at once. One that has already ended is fine. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
