import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { Millis, TunnelsView } from '@hurricane/core';
import { ok, type Result, type ResultAsync, safeTry } from 'neverthrow';
import { start, within } from './command.js';
import { configurationText } from './configuration.js';
import { openProviders } from './encapsulation.js';
import type { Folder } from './folders.js';
import { type Forwarder, forward, onFreePort } from './forwarder.js';
import { buildNetwork, cutProvider, restoreProvider } from './network.js';
import type { ShowOptions } from './options.js';
import { attempt, type PlaygroundError } from './problems.js';
import { eachLine, toReport } from './reports.js';
import { readDocument } from './rest.js';
import { Reports, type Stage } from './stage.js';
import { spacesOf } from './topology.js';

/** How long the process in the namespace may take to end when asked; what remains is killed. */
const END_LIMIT: Millis = 4_000;

/** What is kept of the last words of a process that ended by itself. */
const WORDS_KEPT = 2_000;

export interface StageOptions {
  readonly folder: Folder;
  readonly show: ShowOptions;
  /** The command line that runs this program. */
  readonly self: readonly string[];
  readonly signal: AbortSignal;
}

/** Builds namespaces with two providers and an Internet, and starts the gateway in one of them. */
export function buildRealStage(options: StageOptions): ResultAsync<Stage, PlaygroundError> {
  const { folder, show, self, signal } = options;
  const spaces = spacesOf(folder.id);
  return safeTry(async function* () {
    yield* buildNetwork(spaces, signal);
    const carriage = yield* await openProviders(spaces, show.encapsulation, signal);
    const door = yield* await openDoor(show.port, folder);
    const url = `http://127.0.0.1:${door.port}`;
    const text = configurationText({
      encapsulation: carriage.encapsulation,
      port: door.port ?? show.port,
      stateFolder: folder.state,
    });
    yield* attempt(`write ${folder.configuration}`, () => writeFile(folder.configuration, text));
    const again = (space: string, ...args: readonly string[]): ChildProcess =>
      start(within(space, [...self, 'playground', ...args]), ['pipe', 'pipe', 'pipe']);
    const site = again(spaces.internet, '--site');
    site.stdout?.resume();
    const inside = again(spaces.client, '--inside', folder.path);
    const reports = new Reports();
    eachLine(inside.stdout as NodeJS.ReadableStream, (line) => {
      const report = toReport(line);
      if (report !== null) reports.add(report);
    });
    let isClosing = false;
    const watched: Stage = {
      kind: 'real',
      notes: carriage.notes,
      url,
      configuration: folder.configuration,
      namespace: spaces.client,
      cut: (provider) => cutProvider(spaces, provider),
      restore: (provider) => restoreProvider(spaces, provider),
      tunnels: () => readDocument<TunnelsView>(`${url}/tunnels`),
      listen: (listener) => reports.listen(listener),
      failure: new Promise((resolve) => {
        const tell = (error: PlaygroundError): void => {
          if (!isClosing) resolve(error);
        };
        void endOf(inside, 'the gateway').then(tell);
        void endOf(site, 'the simulated Internet').then(tell);
      }),
      close: async () => {
        isClosing = true;
        await door.close();
        await Promise.all([end(inside), end(site)]);
      },
    };
    return ok(watched);
  });
}

/** The way in from the machine's own loopback: the namespace's cannot be reached from outside. */
function openDoor(wanted: number, folder: Folder): Promise<Result<Forwarder, PlaygroundError>> {
  return onFreePort(wanted, async (port) => {
    const door = await forward({ host: '127.0.0.1', port }, { path: folder.api });
    return door.mapErr((error) => (error.kind === 'system' && error.code === 'EADDRINUSE' ? 'taken' : error));
  });
}

async function endOf(child: ChildProcess, what: string): Promise<PlaygroundError> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-WORDS_KEPT);
  });
  if (child.pid !== undefined) await once(child, 'close');
  return { kind: 'ended_early', what, said: said.trim() };
}

/** Asks a process to end, and sees to it that it does. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), END_LIMIT);
  const gone = once(child, 'exit');
  child.stdin?.end();
  await gone;
  clearTimeout(timer);
}

/** Why this process cannot make namespaces, as far as can be told without trying; null when it may. */
export function whyNoNamespaces(): string | null {
  if (process.platform !== 'linux') return `network namespaces are Linux's, and this is ${process.platform}`;
  return process.getuid?.() === 0 ? null : 'making network namespaces takes root (sudo)';
}
