import type { TunnelsView } from '@hurricane/core';
import { match } from 'ts-pattern';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { VERSION } from '../version.js';
import type { Request } from './control.js';
import type { KeySource } from './keys.js';
import { type Errand, parseErrand, USAGE } from './options.js';
import { describePlaygroundError } from './problems.js';
import { statusTable } from './screen.js';

export interface PlaygroundIo {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  /** Default: this process's. */
  readonly stdin?: KeySource;
  /** The command line that runs this program, before `playground`. Default: this process's. */
  readonly self?: readonly string[];
}

/**
 * `hurricane playground`: shows the gateway at work on this machine with nothing configured.
 *
 * As root in network namespaces with real packets, otherwise in a simulated world. Everything it
 * makes is removed when it ends, also when it is killed. Resolves to the exit code.
 *
 * @param args what follows `playground` on the command line.
 */
export async function runPlayground(args: readonly string[], io: PlaygroundIo): Promise<ExitCode> {
  const { stdout, stderr, stdin = process.stdin } = io;
  const self = io.self ?? [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
  const errand = parseErrand(args);
  if (errand.isErr()) {
    stderr.write(`playground: ${describePlaygroundError(errand.error)}\n\n${USAGE}`);
    return EXIT.usage;
  }
  return perform(errand.value, { stdout, stderr, stdin, self });
}

// Each errand loads what it needs: a command to a running playground is answered at once.
function perform(errand: Errand, io: Required<PlaygroundIo>): Promise<ExitCode> {
  const { stdin, stdout, stderr, self } = io;
  return match(errand)
    .returnType<Promise<ExitCode>>()
    .with({ kind: 'help' }, async () => {
      stdout.write(USAGE);
      return EXIT.ok;
    })
    .with({ kind: 'show' }, async ({ options }) => {
      const { show } = await import('./show.js');
      return show(options, { stdin, stdout, stderr, self, env: process.env, cwd: process.cwd(), version: VERSION });
    })
    .with({ kind: 'cut' }, { kind: 'restore' }, ({ kind, provider, id }) =>
      askRunning({ ask: kind, provider }, id, io, () => `${provider} ${kind === 'cut' ? 'is cut' : 'works again'}\n`),
    )
    .with({ kind: 'status' }, ({ id }) =>
      askRunning({ ask: 'status' }, id, io, (tunnels) => (tunnels === null ? '' : statusTable(tunnels))),
    )
    .with({ kind: 'inside' }, async ({ folder }) => {
      const { runInside } = await import('./inside.js');
      return toExitCode(await runInside(folder, { stdin, stdout, stderr, version: VERSION }));
    })
    .with({ kind: 'site' }, async () => {
      const { serveSite } = await import('./site.js');
      return toExitCode(await serveSite(stdin));
    })
    .with({ kind: 'reap' }, async ({ id }) => {
      const { guard } = await import('./guardian.js');
      return toExitCode(await guard(id, stdin));
    })
    .exhaustive();
}

async function askRunning(
  request: Request,
  id: string | null,
  { stdout, stderr }: PlaygroundIo,
  answer: (tunnels: TunnelsView | null) => string,
): Promise<ExitCode> {
  const { ask } = await import('./control.js');
  return ask(request, id).match(
    (tunnels) => {
      stdout.write(answer(tunnels));
      return EXIT.ok;
    },
    (error) => {
      stderr.write(`playground: ${describePlaygroundError(error)}\n`);
      return EXIT.failure;
    },
  );
}

const toExitCode = (code: number): ExitCode => (code === 0 ? EXIT.ok : EXIT.failure);
