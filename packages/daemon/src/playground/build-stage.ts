import { err, type Result } from 'neverthrow';
import { MARK } from './command.js';
import { type Folder, makeFolder } from './folders.js';
import type { ShowOptions } from './options.js';
import { describePlaygroundError, type PlaygroundError } from './problems.js';
import { buildRealStage, whyNoNamespaces } from './real-stage.js';
import { removePlayground } from './removal.js';
import type { Stage } from './stage.js';

export interface BuildInput {
  readonly id: string;
  readonly show: ShowOptions;
  /** The command line that runs this program. */
  readonly self: readonly string[];
  readonly version: string;
  readonly signal: AbortSignal;
}

export interface Built {
  readonly stage: Stage;
  readonly folder: Folder;
}

/** Builds the real stage where this machine allows it, else the simulated one, which says why. */
export async function buildStage(input: BuildInput): Promise<Result<Built, PlaygroundError>> {
  const { id, show } = input;
  const why = show.simulated ? 'that was asked for' : whyNoNamespaces();
  if (why !== null) {
    if (show.encapsulation === null) return simulated(input, why);
    return err({ kind: 'no_encapsulation', wanted: show.encapsulation, why });
  }
  const built = await real(input);
  // Asked for one means of carrying tunnels, showing none at all would not do.
  if (built.isOk() || built.error.kind === 'cancelled' || show.encapsulation !== null) return built;
  delete process.env[MARK];
  await removePlayground(id);
  return simulated(input, describePlaygroundError(built.error));
}

async function real({ id, ...rest }: BuildInput): Promise<Result<Built, PlaygroundError>> {
  const folder = await makeFolder(id);
  if (folder.isErr()) return err(folder.error);
  const stage = await buildRealStage({ ...rest, folder: folder.value });
  return stage.map((each) => ({ stage: each, folder: folder.value }));
}

async function simulated({ id, ...rest }: BuildInput, reason: string): Promise<Result<Built, PlaygroundError>> {
  const folder = await makeFolder(id);
  if (folder.isErr()) return err(folder.error);
  const { buildSimulatedStage } = await import('./simulated-stage.js');
  const stage = await buildSimulatedStage({ ...rest, folder: folder.value, reason });
  return stage.map((each) => ({ stage: each, folder: folder.value }));
}
