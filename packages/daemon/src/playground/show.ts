import { err, type Result } from 'neverthrow';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { type Folder, makeFolder } from './folders.js';
import { postGuardian } from './guardian.js';
import type { KeySource } from './keys.js';
import type { ShowOptions } from './options.js';
import { play } from './play.js';
import { describePlaygroundError, type PlaygroundError } from './problems.js';
import { buildRealStage, notRoot } from './real-stage.js';
import { removePlayground, sweepPlaygrounds } from './removal.js';
import { programName } from './screen.js';
import type { Stage } from './stage.js';

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
  const outcome = await perform(id, options, stop, io);
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
  const found = await build(id, options, stop.signal, io);
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

interface Built {
  readonly stage: Stage;
  readonly folder: Folder;
}

/** The real one where this machine allows it, else the simulated one, which says why. */
async function build(
  id: string,
  options: ShowOptions,
  signal: AbortSignal,
  io: ShowIo,
): Promise<Result<Built, PlaygroundError>> {
  const why = await whyNotReal();
  if (why === null) {
    const folder = await makeFolder(id);
    if (folder.isErr()) return err(folder.error);
    const real = await buildRealStage({ folder: folder.value, show: options, self: io.self, signal });
    if (real.isOk()) return real.map((stage) => ({ stage, folder: folder.value }));
    if (options.encapsulation !== null || real.error.kind === 'cancelled') return err(real.error);
    await removePlayground(id);
    return simulate(describePlaygroundError(real.error));
  }
  if (options.encapsulation !== null) {
    return err({ kind: 'no_encapsulation', wanted: options.encapsulation, why });
  }
  return simulate(why);

  async function whyNotReal(): Promise<string | null> {
    if (options.simulated) return 'that was asked for';
    return notRoot().match(
      () => null,
      (reason) => reason,
    );
  }

  async function simulate(reason: string): Promise<Result<Built, PlaygroundError>> {
    const folder = await makeFolder(id);
    if (folder.isErr()) return err(folder.error);
    const { buildSimulatedStage } = await import('./simulated-stage.js');
    const stage = await buildSimulatedStage({ folder: folder.value, show: options, version: io.version, reason });
    return stage.map((each) => ({ stage: each, folder: folder.value }));
  }
}

function complain(error: PlaygroundError, io: ShowIo): void {
  io.stderr.write(`playground: ${describePlaygroundError(error)}\n`);
}
