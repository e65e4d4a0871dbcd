import { type ChildProcess, execFile, spawn } from 'node:child_process';
import type { Millis } from '@hurricane/core';
import { waitFor } from './wait-for.js';

/** How long a command of the test bed may take: far beyond what any of them needs, even on a busy machine. */
export const COMMAND_LIMIT: Millis = 10_000;

/** What is kept of a long-running program's output: its end. */
const OUTPUT_KEPT = 1_048_576;

/** What is kept of a finished command's output; `ip -j route show table all` of a full host is far smaller. */
const RESULT_LIMIT = 16_777_216;

export interface Finished {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly limit?: Millis;
}

/** Runs a command to its end, whatever its exit code. Rejects when it cannot be started or outlasts `limit`. */
export function run(argv: readonly string[], options: CommandOptions = {}): Promise<Finished> {
  const limit = options.limit ?? COMMAND_LIMIT;
  return new Promise((resolve, reject) => {
    const child = execFile(
      argv[0] ?? '',
      argv.slice(1),
      { timeout: limit, killSignal: 'SIGKILL', maxBuffer: RESULT_LIMIT },
      (error, stdout, stderr) => {
        if (child.pid === undefined) reject(new Error(`cannot start ${argv[0]}: ${error?.message}`));
        else if (child.killed) reject(new Error(`${argv.join(' ')} took longer than ${limit} ms or said too much`));
        else resolve({ exitCode: child.exitCode, stdout, stderr });
      },
    );
    // A command that ends without reading its input is not at fault for that.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

/** Runs a command that has to succeed; resolves to its output, rejects with what it complained of. */
export async function mustRun(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await run(argv, options);
  if (exitCode === 0) return stdout;
  const input = options.input === undefined ? '' : ` with input\n${options.input}`;
  throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${stderr.trim()}${input}`);
}

/** A program left running beside a test. */
export class Running {
  readonly #child: ChildProcess;
  readonly #argv: readonly string[];
  #output = '';
  #error: Error | null = null;

  constructor(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#argv = argv;
    this.#child = spawn(argv[0] ?? '', argv.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#child.on('error', (error) => {
      this.#error = error;
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
      });
    }
  }

  /** Null when it could not be started. */
  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** What it has written to both of its outputs; of very much, the end. */
  get output(): string {
    return this.#output;
  }

  get ended(): boolean {
    return this.#error !== null || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits until it has written something that matches. Rejects early, with all it wrote, when it ends before. */
  async says(pattern: RegExp, limit: Millis = COMMAND_LIMIT): Promise<RegExpExecArray> {
    const look = (): RegExpExecArray | null => {
      const found = pattern.exec(this.#output);
      if (found === null && this.ended) throw new Error(`${this.#describe()} ended before it said ${pattern}`);
      return found;
    };
    return waitFor(look, limit, `${this.#argv.join(' ')} to say ${pattern}`);
  }

  /** Waits for its end and resolves to its exit code; null when a signal ended it. */
  async end(limit: Millis = COMMAND_LIMIT): Promise<number | null> {
    await waitFor(() => this.ended, limit, `the end of ${this.#argv.join(' ')}`);
    return this.exitCode;
  }

  /** Asks it to end, and waits until it has. */
  async stop(limit: Millis = COMMAND_LIMIT): Promise<number | null> {
    if (!this.ended) this.signal('SIGTERM');
    return this.end(limit);
  }

  #describe(): string {
    return `${this.#argv.join(' ')} (${this.#error?.message ?? `exit code ${this.exitCode}`}) \n${this.#output}`;
  }
}
