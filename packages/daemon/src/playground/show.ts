import { err, type Result } from 'neverthrow';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { buildStage } from './build-stage.js';
import { MARK } from './command.js';
import { postGuardian } from './guardian.js';
import type { KeySource } from './keys.js';
import type { ShowOptions } from './options.js';
import { play } from './play.js';
import { describePlaygroundError, type PlaygroundError } from './problems.js';
import { removePlayground, sweepPlaygrounds } from './removal.js';
import { programName } from './screen.js';

export interface ShowIo {
  readonly stdin: KeySource;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** The command line that runs this program. */
  readonly self: readonly string[];
  readonly version: string;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Builds a playground, plays it until told to end, and removes all of it, whatever happens in between. */
export async function show(options: ShowOptions, io: ShowIo): Promise<ExitCode> {
  // The process's number: unique on this machine, and it tells whether the playground's maker lives.
  const id = `${process.pid}`;
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // Nobody reads any more, as in `hurricane playground | head`.
  io.stdout.once('error', onSignal);
  await sweepPlaygrounds();
  // An earlier process may have had the same number.
  await removePlayground(id);
  const guardian = postGuardian(id, io.self);
  // Inherited by all that is started from here on.
  process.env[MARK] = id;
  const outcome = await perform(id, options, stop, io);
  // Removal ends what is marked, and must not end its own commands.
  delete process.env[MARK];
  if (outcome.isErr() && outcome.error.kind !== 'cancelled') complain(outcome.error, io);
  const removed = await removePlayground(id);
  if (removed.isErr()) complain(removed.error, io);
  else {
    await guardian.dismiss();
    io.stdout.write('\nEverything the playground made has been removed.\n');
  }
  for (const signal of SIGNALS) process.off(signal, onSignal);
  const wentWell = outcome.isOk() ? outcome.value : outcome.error.kind === 'cancelled';
  return wentWell && removed.isOk() ? EXIT.ok : EXIT.failure;
}

async function perform(
  id: string,
  options: ShowOptions,
  stop: AbortController,
  io: ShowIo,
): Promise<Result<boolean, PlaygroundError>> {
  io.stdout.write('\nHURRICANE playground\n');
  const { env, cwd, self, stdin, stdout } = io;
  const found = await buildStage({ id, show: options, self, version: io.version, signal: stop.signal });
  if (found.isErr()) return err(found.error);
  const { stage, folder } = found.value;
  const colour = stdout.isTTY === true && env['NO_COLOR'] === undefined;
  const result = await play({
    stage,
    folder,
    options,
    program: programName(self, env, cwd),
    stdin,
    stdout,
    colour,
    stop,
  });
  await stage.close();
  return result;
}

function complain(error: PlaygroundError, io: ShowIo): void {
  io.stderr.write(`playground: ${describePlaygroundError(error)}\n`);
}
