import { type Clock, type Config, describeConfigProblem, Gateway, type Host, Insight } from '@hurricane/core';
import { createApp, type LogSource, Metrics, type Sources } from '@hurricane/http';
import type { ProcessSource } from '@hurricane/http/node';
import type { McpHttp } from '@hurricane/mcp/node';
import { err, errAsync, ok, type Result } from 'neverthrow';
import { type Api, type ApiError, type ApiOptions, openApi } from './api.js';
import { loadConfig, type ReadText } from './config-file.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { STOP_LIMITS, type StopLimits } from './limits.js';
import type { Log } from './log.js';
import { keptLog, LogRing } from './log-ring.js';
import { type Mcp, type McpOptions, mcpOverHttp, openMcp } from './mcp.js';
import { type Relay, type RelayOutside, relayFor } from './relay.js';
import { Reloader } from './reloader.js';
import { stopAll, tellWhatIsLeft } from './shutdown.js';
import { aborted, type Signals } from './signals.js';
import { describeStartError, exitCodeOf, type StartError } from './start-error.js';
import { waysOn } from './ways-on.js';

export interface DaemonOptions {
  readonly configFile: string;
  readonly debug: boolean;
  readonly foreground: boolean;
  readonly version: string;
}

/** All that the daemon touches of the world outside. */
export interface Outside extends Pick<ApiOptions, 'serve' | 'serveSocket' | 'readToken'> {
  readonly log: Log;
  readonly signals: Signals;
  readonly readText: ReadText;
  /** Where the commented example configuration is; null when it is nowhere. */
  readonly exampleFile: () => string | null;
  readonly mayChangeNetwork: () => boolean;
  readonly isInstalled: (program: string) => boolean;
  /** Makes the MCP server's socket. */
  readonly bind: McpOptions['bind'];
  readonly makeHost: (config: Config) => Host;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly limits?: StopLimits;
  /** Default: nobody can be asked, so that probes find nothing out and holders of ports stay unknown. */
  readonly relay?: RelayOutside;
  /** What the process says of itself among the metrics. */
  readonly process?: ProcessSource;
}

const NOBODY: RelayOutside = {
  knock: () => errAsync({ reason: 'this gateway has no way to send it' }),
  holderOf: () => Promise.resolve(null),
};

/** What runs, and has to be stopped. */
export interface Running {
  readonly gateway: Gateway;
  readonly insight: Insight;
  readonly host: Host;
  readonly api: Api;
  readonly mcp: Mcp;
  /** Null in kernel mode. */
  readonly relay: Relay | null;
}

/**
 * Runs the gateway until a signal stops it, and resolves to the exit code.
 *
 * Nothing on the host is touched before the configuration has been accepted and the API listens. A
 * second signal to stop ends the wait for whatever is still under way.
 */
export async function runDaemon(options: DaemonOptions, world: Outside): Promise<ExitCode> {
  const logs = new LogRing();
  const outside: Outside = { ...world, log: keptLog(world.log, logs) };
  let running: Running | null = null;
  const atOnce = aborted(outside.signals.stopAtOnce).then((): ExitCode => {
    tellWhatIsLeft(running?.gateway ?? null, outside.log);
    return EXIT.failure;
  });
  const life = async (): Promise<ExitCode> => {
    const started = await start(options, outside, logs);
    if (started.isErr()) return refuse(started.error, options, outside);
    running = started.value.running;
    serveReloads(options, outside, started.value);
    await aborted(outside.signals.stop);
    outside.log.log('info', `Stopping after ${String(outside.signals.stop.reason)}`);
    return stopAll(running, outside.limits ?? STOP_LIMITS, outside.log);
  };
  return Promise.race([life(), atOnce]);
}

interface Started {
  readonly config: Config;
  readonly running: Running;
}

async function start(options: DaemonOptions, outside: Outside, logs: LogSource): Promise<Result<Started, StartError>> {
  const { log } = outside;
  if (options.debug) log.setLevel('debug');
  const loaded = await loadConfig(options.configFile, outside.readText);
  if (loaded.isErr()) return err(loaded.error);
  const config = loaded.value;
  if (!options.debug) log.setLevel(config.core.logLevel);
  introduce(config, options, log);
  if (!outside.mayChangeNetwork()) return err({ kind: 'no_rights' });
  if (!outside.isInstalled('ip')) return err({ kind: 'no_program', program: 'ip', install: 'apt install iproute2' });

  const host = outside.makeHost(config);
  const clock = outside.clock === undefined ? {} : { clock: outside.clock };
  const source = outside.process === undefined ? {} : { process: outside.process };
  const metrics = new Metrics({ version: options.version, ...source });
  const created = Gateway.create({ config, host, logger: log, observer: metrics.observe, ...clock });
  if (created.isErr()) return err({ kind: 'no_gateway', error: created.error });
  const gateway = created.value;
  const insight = new Insight(gateway);
  const relay = relayFor({ ...NOBODY, ...outside.relay, gateway, config, log });
  const { ports, flows } = relay ?? {};
  const carried = { ...(ports === undefined ? {} : { ports }), ...(flows === undefined ? {} : { flows }) };
  const shown = { config, gateway, insight, version: options.version, log, ...(ports === undefined ? {} : { ports }) };
  const overHttp = mcpOverHttp(shown);
  const sources = { gateway, insight, logs, metrics, ...carried };
  const api = await serveApi(sources, { config, mcp: overHttp }, options, outside);
  if (api.isErr()) return err(api.error);
  const begun = await relay?.begin();
  if (begun?.isErr()) {
    await api.value.close(0);
    return err({ kind: 'no_proxy', error: begun.error });
  }
  for (const place of api.value.places) log.log('info', `REST API listens on ${place}`);
  const mcp = await openMcp({ ...shown, bind: outside.bind });
  // A signal that came during all this stops a gateway that has put up nothing.
  if (!outside.signals.stop.aborted) gateway.start();
  return ok({ config, running: { gateway, insight, host, api: api.value, relay, mcp } });
}

function introduce(config: Config, { configFile, foreground, version }: DaemonOptions, log: Log): void {
  log.log('info', `v6-gatewayd ${version} with ${configFile}`);
  if (foreground) log.log('debug', 'Staying in the foreground, as always: -f changes nothing');
  for (const warning of config.warnings) log.log('warn', describeConfigProblem(configFile, warning));
}

function serveApi(
  sources: Sources & { readonly metrics: Metrics },
  { config: { core }, mcp }: { readonly config: Config; readonly mcp: McpHttp | null },
  { version }: DaemonOptions,
  outside: Outside,
): Promise<Result<Api, ApiError>> {
  const onDefect = (defect: unknown): void => {
    const said = defect instanceof Error ? defect.message : String(defect);
    outside.log.log('error', `The REST API met a defect: ${said}`);
  };
  const makeApp: ApiOptions['makeApp'] = (access) =>
    createApp({
      ...access,
      ...sources,
      ...(mcp === null ? {} : { mcp: mcp.fetch }),
      version,
      onDefect,
      stop: outside.signals.stop,
    });
  // Its streams end, so that the server can close.
  outside.signals.stop.addEventListener('abort', () => void mcp?.close());
  return openApi({ ...outside, core, makeApp, onDefect });
}

function refuse(error: StartError, { configFile }: DaemonOptions, { log, exampleFile }: Outside): ExitCode {
  const [first = '', ...rest] = describeStartError(error);
  log.log('error', error.kind === 'file_missing' ? `${first}: ${waysOn(configFile, exampleFile())}` : first);
  for (const sentence of rest) log.log('error', sentence);
  if (error.kind === 'config_invalid') log.log('error', 'Nothing was started: mend the configuration first');
  return exitCodeOf(error);
}

function serveReloads(
  { configFile: file, debug }: DaemonOptions,
  { readText, log, signals }: Outside,
  { config: started, running: { gateway, api, relay } }: Started,
): void {
  const rereadToken = api.rereadToken;
  const onConfig = async (config: Config): Promise<void> => relay?.reload(config);
  const { stop } = signals;
  const reloader = new Reloader({ file, readText, gateway, log, started, debug, rereadToken, onConfig, stop });
  signals.onReload(() => void reloader.reload());
}
