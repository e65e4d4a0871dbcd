import type { Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { BatchProcess } from './batch-process.js';
import type { CommandRunner, Finished, SpawnError } from './command.js';
import { type Launch, launchProgram } from './launch.js';

/** Runs `ip -6` commands in order, each whatever became of the one before. */
export interface IpBatch {
  /** Each command without `ip -6`. Answers one result for each. A `show` answers with JSON. */
  run(commands: readonly (readonly string[])[], signal: AbortSignal): ResultAsync<readonly Finished[], SpawnError>;
  /** Ends what it keeps running. */
  close(): Promise<void>;
}

/**
 * Requests waiting for their turn: one for each of 256 tunnels that are repaired together, and as many
 * again. Beyond it, they go the slow way.
 */
export const BATCH_QUEUE = 512;

/** Before a co-process that has died is started again; doubles with every death up to the longest. */
const RESPAWN_MIN: Millis = 100;
const RESPAWN_MAX: Millis = 10_000;

/** What may stand on a line of a batch: `ip` treats quotes, `#` and `\` specially there. */
const PLAIN_WORD = /^[\w.:/-]+$/;

/** Starts `ip` anew for every command. */
export function spawnedBatch(runner: CommandRunner): IpBatch {
  const run = async (
    commands: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<Result<readonly Finished[], SpawnError>> => {
    const answers: Finished[] = [];
    for (const command of commands) {
      const answer = await runner.run(['ip', '-N', '-j', '-6', ...command], signal);
      if (answer.isErr()) return err(answer.error);
      answers.push(answer.value);
    }
    return ok(answers);
  };
  return { run: (commands, signal) => new ResultAsync(run(commands, signal)), close: async () => {} };
}

export interface CoBatchDeps {
  /** For what the co-process cannot do. */
  readonly runner: CommandRunner;
  readonly launch?: Launch;
}

/**
 * Hands commands to one `ip -batch` that keeps running: a tenth of a millisecond instead of the several
 * that starting a program takes. Where that does not work, the command runs by itself instead.
 */
export function ipBatch({ runner, launch = launchProgram }: CoBatchDeps): IpBatch {
  const slow = spawnedBatch(runner);
  let process: BatchProcess | null = null;
  let closed = false;
  let deaths = 0;
  let notBefore = 0;
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const ready = (): BatchProcess | null => {
    if (closed) return null;
    if (process?.alive === true) return process;
    if (performance.now() < notBefore) return null;
    process = BatchProcess.start(launch);
    notBefore = performance.now() + Math.min(RESPAWN_MAX, RESPAWN_MIN * 2 ** deaths);
    deaths += 1;
    return process;
  };

  const ask = async (
    commands: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<Result<readonly Finished[], SpawnError>> => {
    if (signal.aborted) return err({ kind: 'aborted' });
    const answers = await ready()?.ask(commands, signal);
    if (signal.aborted) return err({ kind: 'aborted' });
    if (answers === undefined || answers === null) return slow.run(commands, signal);
    deaths = 0;
    return ok(answers);
  };

  const run = async (
    commands: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<Result<readonly Finished[], SpawnError>> => {
    const isPlain = commands.every((words) => words.every((word) => PLAIN_WORD.test(word)));
    if (!isPlain || waiting >= BATCH_QUEUE) return slow.run(commands, signal);
    waiting += 1;
    const mine = turn.then(() => ask(commands, signal));
    turn = mine;
    const result = await mine;
    waiting -= 1;
    return result;
  };

  const close = async (): Promise<void> => {
    closed = true;
    await turn;
    await process?.close();
  };

  return { run: (commands, signal) => new ResultAsync(run(commands, signal)), close };
}
