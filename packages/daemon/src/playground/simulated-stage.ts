import { writeFile } from 'node:fs/promises';
import {
  type Config,
  describeGatewayError,
  Gateway,
  Insight,
  type Logger,
  type Millis,
  systemClock,
  tunnelsView,
} from '@hurricane/core';
import { simulatedHost, type World } from '@hurricane/core/testing';
import { createApp } from '@hurricane/http';
import { describeListenError, type Listener, serve } from '@hurricane/http/node';
import { err, ok, okAsync, type Result, type ResultAsync, safeTry } from 'neverthrow';
import { LogRing } from '../log-ring.js';
import { configurationText, readConfiguration } from './configuration.js';
import type { Folder } from './folders.js';
import { onFreePort } from './forwarder.js';
import type { ShowOptions } from './options.js';
import { attempt, type PlaygroundError } from './problems.js';
import { Sightings } from './sightings.js';
import { Reports, type Stage } from './stage.js';
import { PROVIDERS } from './topology.js';

export interface SimulatedStageOptions {
  readonly folder: Folder;
  readonly show: ShowOptions;
  readonly version: string;
  /** Why this is not the real thing. */
  readonly reason: string;
}

/** Round trips of the two simulated providers: one near, one farther away. */
const ROUND_TRIPS: readonly Millis[] = [12, 34];

/** Between two looks of the simulated application at where its packets go. */
const TRAFFIC_INTERVAL: Millis = 20;

/** How long the gateway may take to stop; nothing but this process depends on it. */
const STOP_LIMIT: Millis = 2_000;

/** Runs the same gateway and the same REST API, in a world that exists in this process alone. */
export function buildSimulatedStage(options: SimulatedStageOptions): ResultAsync<Stage, PlaygroundError> {
  const { folder, show, version, reason } = options;
  const links = PROVIDERS.map(({ iface, client }, index) => ({ iface, address: client, rtt: ROUND_TRIPS[index] ?? 0 }));
  const world = simulatedHost({ clock: systemClock, seed: 1, links });
  const reports = new Reports();
  const logs = new LogRing();
  const logger: Logger = {
    log: (level, text) => {
      if (level === 'debug') return;
      logs.add(level, text);
      reports.add({ kind: 'log', level, text, wall: Date.now() });
    },
  };
  return safeTry(async function* () {
    const config = yield* configure(folder, show.port);
    const gateway = yield* Gateway.create({ config, host: world, clock: systemClock, logger }).mapErr(
      (error): PlaygroundError => ({ kind: 'ended_early', what: 'the gateway', said: describeGatewayError(error) }),
    );
    const onDefect = (defect: unknown): void => logger.log('error', `REST API: ${String(defect)}`);
    const insight = new Insight(gateway);
    const app = createApp({ gateway, insight, logs, version, onDefect });
    const api = yield* await onFreePort(show.port, (port) => listenOn(app, port, onDefect));
    // The port found may be another than the one wanted, and people read this file.
    yield* configure(folder, api.port);
    gateway.start();
    const traffic = watchTraffic(world, new Sightings((report) => reports.add(report)));
    const stage: Stage = {
      kind: 'simulated',
      notes: [
        `SIMULATED: no packets are sent, because ${reason}.`,
        'The gateway and its REST API are the real ones; the network is a model in memory.',
      ],
      url: api.url,
      configuration: folder.configuration,
      namespace: null,
      cut: (provider) => okAsync(world.cut(provider)),
      restore: (provider) => okAsync(world.restore(provider)),
      tunnels: () => okAsync(tunnelsView(gateway.status())),
      listen: (listener) => reports.listen(listener),
      failure: new Promise(() => undefined),
      close: async () => {
        clearInterval(traffic);
        await gateway.stop(STOP_LIMIT);
        insight.close();
        await api.close(0);
      },
    };
    return ok(stage);
  });
}

function configure(folder: Folder, port: number): ResultAsync<Config, PlaygroundError> {
  const text = configurationText({ encapsulation: 'sit', port, stateFolder: folder.state });
  return attempt(`write ${folder.configuration}`, () => writeFile(folder.configuration, text)).andThen(() =>
    readConfiguration(text, folder.configuration),
  );
}

async function listenOn(
  app: Parameters<typeof serve>[0]['app'],
  port: number,
  onDefect: (defect: unknown) => void,
): Promise<Result<Listener, PlaygroundError | 'taken'>> {
  const served = await serve({ app, bind: '127.0.0.1', port, onDefect });
  if (served.isOk()) return ok(served.value);
  if (served.error.kind === 'port_in_use') return err('taken');
  return err({ kind: 'system', doing: 'serve the REST API', code: describeListenError(served.error) });
}

/** An application in the model: answered whenever the interface that its packets leave by carries them. */
function watchTraffic(world: World, sightings: Sightings): NodeJS.Timeout {
  return setInterval(() => {
    const iface = world.egress();
    const link = iface === null ? null : world.link(iface);
    if (link?.carries === true && link.address !== null) sightings.answered(link.address);
  }, TRAFFIC_INTERVAL);
}
