import { type Config, describeConfigProblem, describeGatewayError, type Gateway } from '@hurricane/core';
import { loadConfig, type ReadText } from './config-file.js';
import { adopt } from './fixed-settings.js';
import type { Log } from './log.js';
import { describeConfigFault } from './start-error.js';

export interface ReloaderOptions {
  readonly file: string;
  readonly readText: ReadText;
  readonly gateway: Pick<Gateway, 'reload'>;
  readonly log: Log;
  /** What it was started with. */
  readonly started: Config;
  /** `-d` was given: the file's log level is not asked. */
  readonly debug: boolean;
  /** Whatever comes of the configuration: the token is a file of its own. */
  readonly rereadToken: () => Promise<void>;
  /** Told of each configuration that has been taken on. */
  readonly onConfig: (config: Config) => Promise<void>;
  /** Aborted once the daemon is stopping: then nothing is taken on. */
  readonly stop: AbortSignal;
}

/** Takes on the configuration file when asked to. A file with mistakes in it never replaces what runs. */
export class Reloader {
  readonly #options: ReloaderOptions;
  #busy = false;
  #askedAgain = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /** Any number of requests during a reload make for one more. */
  async reload(): Promise<void> {
    if (this.#busy) {
      this.#askedAgain = true;
      return;
    }
    this.#busy = true;
    do {
      this.#askedAgain = false;
      await this.#once();
    } while (this.#askedAgain);
    this.#busy = false;
  }

  async #once(): Promise<void> {
    const { file, readText, gateway, log, started, debug, rereadToken, onConfig, stop } = this.#options;
    await rereadToken();
    const loaded = await loadConfig(file, readText);
    if (stop.aborted) return;
    if (loaded.isErr()) {
      for (const sentence of describeConfigFault(loaded.error)) log.log('error', sentence);
      log.log('error', 'The configuration is not reloaded: the gateway goes on with the one it has');
      return;
    }
    const { config, waiting } = adopt(started, loaded.value);
    for (const warning of config.warnings) log.log('warn', describeConfigProblem(file, warning));
    const reloaded = gateway.reload(config);
    if (reloaded.isErr()) {
      log.log('error', `The configuration is not reloaded: ${describeGatewayError(reloaded.error)}`);
      return;
    }
    if (!debug) log.setLevel(config.core.logLevel);
    await onConfig(config);
    if (waiting.length > 0) log.log('warn', `Changes to ${waiting.join(', ')} take effect at the next start`);
  }
}
