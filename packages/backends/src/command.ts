import type { ChildProcess } from 'node:child_process';
import type { DriverError, Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { errnoOf, killGroup, type Launch, launchProgram } from './launch.js';
import { installHint } from './tools.js';

/** A program that ran to its end. */
export interface Finished {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why there is no {@link Finished}. */
export type SpawnError = Extract<
  DriverError,
  { kind: 'missing_tool' | 'not_permitted' | 'command_failed' | 'timed_out' | 'aborted' | 'defect' }
>;

export interface RunOptions {
  /** Instead of {@link COMMAND_DEADLINE}. */
  readonly deadline?: Millis;
  /** What it reads from its standard input. Left out: nothing. */
  readonly input?: Uint8Array;
}

/** Runs a program without a shell. A non-zero exit is an answer, not an error. Never rejects. */
export interface CommandRunner {
  run(argv: readonly string[], signal: AbortSignal, options?: RunOptions): ResultAsync<Finished, SpawnError>;
}

/** How long one command may take. `ip` answers within milliseconds; ten seconds is a host in trouble. */
export const COMMAND_DEADLINE: Millis = 10_000;

/** Bytes of output kept of one command: some 30,000 routes as JSON. More is a runaway. */
export const OUTPUT_LIMIT: number = 4 * 1024 * 1024;

/** How long a finished program's output may still trickle in: a child of its own may hold the pipe for ever. */
const DRAIN: Millis = 200;

/** Runs programs on this host. */
export function systemRunner(launch: Launch = launchProgram): CommandRunner {
  return {
    run: (argv, signal, options) => new ResultAsync(finish(launch, argv, signal, options)),
  };
}

function finish(
  launch: Launch,
  argv: readonly string[],
  signal: AbortSignal,
  { deadline = COMMAND_DEADLINE, input }: RunOptions = {},
): Promise<Result<Finished, SpawnError>> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(err({ kind: 'aborted' }));
    let child: ChildProcess;
    try {
      child = launch(argv, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], ownGroup: true });
    } catch (cause) {
      return resolve(err({ kind: 'defect', cause }));
    }
    const settle = (result: Result<Finished, SpawnError>): void => {
      clearTimeout(late);
      clearTimeout(drain);
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const giveUp = (error: SpawnError): void => {
      killGroup(child);
      settle(err(error));
    };
    const onAbort = (): void => giveUp({ kind: 'aborted' });
    const late = setTimeout(() => giveUp({ kind: 'timed_out', after: deadline }), deadline);
    let drain: NodeJS.Timeout | undefined;
    signal.addEventListener('abort', onAbort, { once: true });

    const output = collect(child, () =>
      giveUp({ kind: 'command_failed', argv, exitCode: null, stderr: `printed more than ${OUTPUT_LIMIT} bytes` }),
    );
    // One that ends without reading it is no fault of ours.
    child.stdin?.on('error', () => {}).end(input);
    child.on('error', (cause) => settle(err(spawnFault(argv, cause))));
    child.on('close', (exitCode) => settle(ok({ exitCode, ...output() })));
    child.on('exit', (exitCode) => {
      // Where this process was held up, what was printed still waits to be read: a look at the pipes comes first.
      drain = setTimeout(() => setImmediate(() => settle(ok({ exitCode, ...output() }))), DRAIN);
    });
  });
}

function collect(child: ChildProcess, onFlood: () => void): () => { readonly stdout: string; readonly stderr: string } {
  const parts: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  let bytes = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > OUTPUT_LIMIT) return onFlood();
      parts[name].push(chunk);
    });
  }
  return () => ({ stdout: Buffer.concat(parts.stdout).toString(), stderr: Buffer.concat(parts.stderr).toString() });
}

/** What a failure to start `argv` means. */
export function spawnFault(argv: readonly string[], cause: unknown): SpawnError {
  const tool = argv[0] ?? '';
  const code = errnoOf(cause);
  if (code === 'ENOENT') return { kind: 'missing_tool', tool, install: installHint(tool) };
  if (code === 'EACCES' || code === 'EPERM') return { kind: 'not_permitted', operation: `run "${tool}"` };
  return { kind: 'defect', cause };
}
