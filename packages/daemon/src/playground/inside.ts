import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { autoProber, linuxHost } from '@hurricane/backends';
import { type Config, describeGatewayError, Gateway, Insight, type Logger, type Millis } from '@hurricane/core';
import { createApp } from '@hurricane/http';
import { describeListenError, serve } from '@hurricane/http/node';
import { ok, type ResultAsync, safeTry } from 'neverthrow';
import { LogRing } from '../log-ring.js';
import { readConfiguration } from './configuration.js';
import { type Folder, folderOf } from './folders.js';
import { forward } from './forwarder.js';
import { attempt, describePlaygroundError, type PlaygroundError } from './problems.js';
import { type Report, toLine } from './reports.js';
import { startTraffic } from './traffic.js';

/** How long the gateway may take to take its tunnels down; the namespace goes in any case. */
const STOP_LIMIT: Millis = 3_000;

export interface InsideIo {
  /** The gateway runs until this ends. */
  readonly stdin: NodeJS.ReadableStream;
  /** Reports go here, one to a line. */
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly version: string;
}

/**
 * The process in the client's namespace: the gateway as the daemon runs it, its REST API, and an
 * application that uses the network.
 *
 * @param path the playground's folder.
 */
export async function runInside(path: string, io: InsideIo): Promise<number> {
  // Both when the parent asks for it and when the parent is gone.
  const asked = Promise.race([once(io.stdin.resume(), 'end'), once(process, 'SIGTERM')]);
  const report = (each: Report): void => void io.stdout.write(toLine(each));
  const running = await raise(folderOf(basename(path)), report, io.version);
  if (running.isErr()) {
    io.stderr.write(`${describePlaygroundError(running.error)}\n`);
    return 1;
  }
  await asked;
  await running.value.stop();
  return 0;
}

function raise(
  folder: Folder,
  report: (report: Report) => void,
  version: string,
): ResultAsync<{ stop(): Promise<void> }, PlaygroundError> {
  const logs = new LogRing();
  const logger: Logger = {
    log: (level, text) => {
      if (level === 'debug') return;
      logs.add(level, text);
      report({ kind: 'log', level, text, wall: Date.now() });
    },
  };
  return safeTry(async function* () {
    const text = yield* attempt(`read ${folder.configuration}`, () => readFile(folder.configuration, 'utf8'));
    const config = yield* readConfiguration(text, folder.configuration);
    const host = hostFor(config);
    const gateway = yield* Gateway.create({ config, host, logger }).mapErr(
      (error): PlaygroundError => ({ kind: 'ended_early', what: 'the gateway', said: describeGatewayError(error) }),
    );
    const onDefect = (defect: unknown): void => logger.log('error', `REST API: ${String(defect)}`);
    const { apiBind: bind, apiPort: port } = config.core;
    const insight = new Insight(gateway);
    const app = createApp({ gateway, insight, logs, version, onDefect });
    const api = yield* serve({ app, bind, port, onDefect }).mapErr(
      (error): PlaygroundError => ({ kind: 'ended_early', what: 'the REST API', said: describeListenError(error) }),
    );
    // The namespace's loopback is its own: whoever asks from outside comes by this socket.
    const door = yield* forward({ path: folder.api }, { host: '127.0.0.1', port: api.port });
    let traffic: { stop(): void } | null = null;
    const silence = gateway.on('primary_selected', () => {
      traffic ??= startTraffic(report);
    });
    gateway.start();
    return ok({
      stop: async () => {
        silence();
        traffic?.stop();
        await gateway.stop(STOP_LIMIT);
        insight.close();
        await Promise.all([door.close(), api.close(0), host.close?.()]);
      },
    });
  });
}

function hostFor(config: Config): ReturnType<typeof linuxHost> {
  const { method, port } = config.health;
  return linuxHost({ routing: config.routing, prober: autoProber({ method, port }) });
}
