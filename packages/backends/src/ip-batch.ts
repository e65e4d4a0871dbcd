import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { BatchProcess } from './batch-process.js';
import type { CommandRunner, Finished, SpawnError } from './command.js';
import type { IpCommand } from './ip.js';
import { type Launch, launchProgram } from './launch.js';

/** Runs `ip -6` commands in order, each whatever became of the one before. */
export interface IpBatch {
  /** Each command without `ip -6`. Answers one result for each. A `show` answers with JSON. */
  run(commands: readonly IpCommand[], signal: AbortSignal): ResultAsync<readonly Finished[], SpawnError>;
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
    commands: readonly IpCommand[],
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

type Answers = Result<readonly Finished[], SpawnError>;

interface Request {
  readonly commands: readonly IpCommand[];
  readonly signal: AbortSignal;
  readonly settle: (answers: Answers) => void;
}

/**
 * Hands commands to one `ip -batch` that keeps running: a tenth of a millisecond instead of the several
 * that starting a program takes. What comes while it works goes to it all at once. Where that does not
 * work, the commands run by themselves instead.
 */
export function ipBatch({ runner, launch = launchProgram }: CoBatchDeps): IpBatch {
  const slow = spawnedBatch(runner);
  let process: BatchProcess | null = null;
  let closed = false;
  let deaths = 0;
  let notBefore = 0;
  let waiting: readonly Request[] = [];
  let working: Promise<void> | null = null;

  const ready = (): BatchProcess | null => {
    if (closed) return null;
    if (process?.alive === true) return process;
    if (performance.now() < notBefore) return null;
    process = BatchProcess.start(launch);
    notBefore = performance.now() + Math.min(RESPAWN_MAX, RESPAWN_MIN * 2 ** deaths);
    deaths += 1;
    return process;
  };

  const serve = async (requests: readonly Request[]): Promise<void> => {
    const live = requests.filter(({ signal }) => !signal.aborted);
    if (live.length === 0) return;
    const all = live.flatMap(({ commands }) => commands);
    const needed = withTheLastOf(live.map(({ signal }) => signal));
    const answers = await ready()?.ask(all, needed.signal);
    needed.letGo();
    if (answers === undefined || answers === null) {
      await Promise.all(live.map(async ({ commands, signal, settle }) => settle(await slow.run(commands, signal))));
      return;
    }
    deaths = 0;
    let from = 0;
    for (const { commands, settle } of live) {
      settle(ok(answers.slice(from, from + commands.length)));
      from += commands.length;
    }
  };

  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      // Those who are about to ask get onto the same page.
      await nextTurn();
      const requests = waiting;
      waiting = [];
      await serve(requests);
    }
    working = null;
  };

  const run = (commands: readonly IpCommand[], signal: AbortSignal): Promise<Answers> => {
    if (signal.aborted) return Promise.resolve(err({ kind: 'aborted' }));
    const isPlain = commands.every((words) => words.every((word) => PLAIN_WORD.test(word)));
    if (!isPlain || waiting.length >= BATCH_QUEUE) return Promise.resolve(slow.run(commands, signal));
    return new Promise((resolve) => {
      const abort = (): void => resolve(err({ kind: 'aborted' }));
      signal.addEventListener('abort', abort, { once: true });
      const settle = (answers: Answers): void => {
        signal.removeEventListener('abort', abort);
        resolve(answers);
      };
      waiting = [...waiting, { commands, signal, settle }];
      working ??= work();
    });
  };

  const close = async (): Promise<void> => {
    await working;
    closed = true;
    await process?.close();
  };

  return { run: (commands, signal) => new ResultAsync(run(commands, signal)), close };
}

/** A signal that aborts with the last of these, until it is let go. */
function withTheLastOf(signals: readonly AbortSignal[]): { readonly signal: AbortSignal; letGo(): void } {
  const callOff = new AbortController();
  let left = signals.length;
  const leave = (): void => {
    left -= 1;
    if (left === 0) callOff.abort();
  };
  for (const signal of signals) signal.addEventListener('abort', leave, { once: true });
  return {
    signal: callOff.signal,
    letGo: () => signals.forEach((signal) => signal.removeEventListener('abort', leave)),
  };
}
