import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import type { Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { codeOf, type PlaygroundError } from './problems.js';

/** How long one set-up command may take. They need milliseconds; this is for a machine in trouble. */
export const COMMAND_LIMIT: Millis = 5_000;

/** Bytes kept of a command's output; `ip netns list` of a busy host is far smaller. */
const OUTPUT_LIMIT = 1_048_576;

/**
 * Environment variable that holds the playground's id in every process it starts, short commands
 * included: so they can be found whatever became of their parent, and ended before they make more.
 */
export const MARK = 'HURRICANE_PLAYGROUND';

const PACKAGES: Readonly<Record<string, string>> = { ip: 'iproute2', socat: 'socat', tee: 'coreutils' };

export interface CommandOptions {
  /** Written to its standard input. */
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/** Runs a command that has to succeed, without a shell, and resolves to its output. */
export function command(argv: readonly string[], options: CommandOptions = {}): ResultAsync<string, PlaygroundError> {
  const { input = '', signal } = options;
  return new ResultAsync(
    new Promise<Result<string, PlaygroundError>>((resolve) => {
      const child = execFile(
        argv[0] ?? '',
        argv.slice(1),
        {
          timeout: COMMAND_LIMIT,
          killSignal: 'SIGKILL',
          maxBuffer: OUTPUT_LIMIT,
          env: inEnglish(),
          ...(signal && { signal }),
        },
        (error, stdout, stderr) => {
          if (error === null) return resolve(ok(stdout));
          if (signal?.aborted) return resolve(err({ kind: 'cancelled' }));
          resolve(err(failureOf(argv, error, stderr, child.killed)));
        },
      );
      // A command that ends without reading its input is not at fault for that.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    }),
  );
}

function failureOf(argv: readonly string[], error: Error, stderr: string, killed: boolean): PlaygroundError {
  const tool = argv[0] ?? '';
  if (codeOf(error) === 'ENOENT') return { kind: 'missing_tool', tool, package: PACKAGES[tool] ?? null };
  const said = killed ? `no answer within ${COMMAND_LIMIT / 1000} s` : (stderr.trim().split('\n')[0] ?? '');
  return { kind: 'command_failed', argv, said: said === '' ? codeOf(error) : said };
}

/** Runs lines of `ip` commands in a namespace, all in one process. Stops at the first that fails. */
export function ipBatch(
  namespace: string,
  lines: readonly string[],
  signal: AbortSignal,
): ResultAsync<unknown, PlaygroundError> {
  return command(['ip', '-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n`, signal });
}

/** The command that runs another inside a namespace. */
export const within = (namespace: string, argv: readonly string[]): readonly string[] => [
  'ip',
  'netns',
  'exec',
  namespace,
  ...argv,
];

/** Starts a program that stays, out of reach of the terminal's Ctrl-C. */
export function start(argv: readonly string[], stdio: StdioOptions): ChildProcess {
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio, detached: true, env: inEnglish() });
  // Not starting shows as an early end to whoever waits for it; without a listener it would end this process.
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  return child;
}

/** Messages are read by machine. */
const inEnglish = (): NodeJS.ProcessEnv => ({ ...process.env, LC_ALL: 'C' });

/** Ends a process at once. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended by itself. EPERM shows in that it stays.
  }
}
