import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Millis, TunnelsView } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { openControl } from './control.js';
import { demonstrate, Witness } from './demo.js';
import type { Folder } from './folders.js';
import { type KeySource, watchKeys } from './keys.js';
import { Narrator } from './narrator.js';
import type { ShowOptions } from './options.js';
import { describePlaygroundError, type PlaygroundError } from './problems.js';
import { startScreen, statusTable } from './screen.js';
import type { Stage } from './stage.js';
import { Switchboard } from './switchboard.js';
import { PROVIDER_NAMES } from './topology.js';

/** How long the first tunnel may take to be chosen. It takes about a second. */
const READY_LIMIT: Millis = 15_000;
/** How long the others may then take before the screen is shown without them. */
const OTHERS_LIMIT: Millis = 2_000;
const LOOK_AGAIN: Millis = 50;

export interface PlayInput {
  readonly stage: Stage;
  readonly folder: Folder;
  readonly options: ShowOptions;
  readonly program: string;
  readonly stdin: KeySource;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly colour: boolean;
  /** Ends the play. */
  readonly stop: AbortController;
}

/** Shows the stage until it is told to end. Resolves to whether all went as it should. */
export async function play(input: PlayInput): Promise<Result<boolean, PlaygroundError>> {
  const { stage, folder, options, stop, stdin, stdout } = input;
  const write = (text: string): void => void stdout.write(text);
  const narrator = new Narrator(write, input.colour);
  const switchboard = new Switchboard(stage, (deed) => narrator.deed(deed));
  const failure = stage.failure.then((error) => err(error));
  const tunnels = await Promise.race([untilReady(stage, stop.signal), failure]);
  if (tunnels.isErr()) return err(tunnels.error);
  const control = await openControl(folder, stage, switchboard);
  if (control.isErr()) return err(control.error);

  const keys = stdin.isTTY === true && stdout.isTTY === true;
  write(startScreen({ stage, tunnels: tunnels.value, program: input.program, keys }));
  const witness = new Witness();
  stage.listen((report) => {
    witness.note(report);
    narrator.report(report);
  });
  const unwatch = keys
    ? watchKeys(
        stdin,
        (key) => press(key, { stage, switchboard, narrator, write }),
        () => stop.abort(),
      )
    : null;
  const end = options.demo
    ? demonstrate(stage, switchboard, witness, stop.signal).then((done) =>
        done.map(({ succeeded, lines }) => {
          write(`\n${lines.map((line) => `${line}\n`).join('')}`);
          return succeeded;
        }),
      )
    : untilTold(options.duration, stop.signal);
  const result = await Promise.race([end, failure]);
  unwatch?.();
  control.value();
  return result;
}

/** Waits for a primary, and a little longer for the other tunnels. */
async function untilReady(stage: Stage, signal: AbortSignal): Promise<Result<TunnelsView, PlaygroundError>> {
  const began = performance.now();
  let chosenAt: Millis | null = null;
  for (;;) {
    if (signal.aborted) return err({ kind: 'cancelled' });
    const read = await stage.tunnels();
    const now = performance.now();
    if (read.isOk()) {
      const { tunnels } = read.value;
      if (tunnels.some((tunnel) => tunnel.primary)) chosenAt ??= now;
      const isComplete = tunnels.every((tunnel) => tunnel.state === 'up' && tunnel.score !== null);
      if (chosenAt !== null && (isComplete || now - chosenAt > OTHERS_LIMIT)) return ok(read.value);
    }
    if (now - began > READY_LIMIT) return err({ kind: 'not_ready', after: READY_LIMIT });
    await pause(LOOK_AGAIN);
  }
}

async function untilTold(duration: Millis | null, signal: AbortSignal): Promise<Result<boolean, PlaygroundError>> {
  if (signal.aborted) return ok(true);
  if (duration === null) await once(signal, 'abort');
  else await pause(duration, undefined, { signal }).catch(() => undefined);
  return ok(true);
}

interface Console {
  readonly stage: Stage;
  readonly switchboard: Switchboard;
  readonly narrator: Narrator;
  readonly write: (text: string) => void;
}

function press(key: string, { stage, switchboard, narrator, write }: Console): void {
  const provider = PROVIDER_NAMES[Number(key) - 1];
  const complain = (error: PlaygroundError): void => narrator.problem(describePlaygroundError(error));
  if (key === 's') void stage.tunnels().match((tunnels) => write(`\n${statusTable(tunnels)}\n`), complain);
  else if (provider !== undefined) void switchboard.toggle(provider).match(() => undefined, complain);
}
