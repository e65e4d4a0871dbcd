import { isIPv6 } from 'node:net';
import { CORE_DEFAULTS, type CoreConfig } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { type ConfigFault, loadConfig, type ReadText } from './config-file.js';
import { DEFAULT_CONFIG_FILE } from './invocation.js';

/** Which daemon a command speaks to. */
export interface ApiChoice {
  /** Null: the default one, which need not be there. */
  readonly configFile: string | null;
  /** Null: the one the configuration names. */
  readonly url: string | null;
}

export interface ApiAddress {
  readonly url: string;
  /** Null when the configuration names none, it cannot be read, or the address is not the configuration's. */
  readonly token: string | null;
}

/** A token is shown to the daemon whose configuration names it, and to nobody else. */
export async function apiAddress(choice: ApiChoice, readText: ReadText): Promise<Result<ApiAddress, ConfigFault>> {
  if (choice.url !== null) return ok({ url: choice.url, token: null });
  const config = await loadConfig(choice.configFile ?? DEFAULT_CONFIG_FILE, readText);
  if (config.isErr()) {
    const byDefault = choice.configFile === null && config.error.kind === 'file_missing';
    return byDefault ? ok({ url: urlOf(CORE_DEFAULTS), token: null }) : err(config.error);
  }
  const { core } = config.value;
  const token = core.apiTokenFile === null ? null : await readText(core.apiTokenFile);
  return ok({ url: urlOf(core), token: token?.isOk() ? token.value.trim() : null });
}

/** An API that listens on every address is asked at the loopback one. */
function urlOf({ apiBind, apiPort }: CoreConfig): string {
  const host = apiBind === '0.0.0.0' ? '127.0.0.1' : apiBind === '::' ? '::1' : apiBind;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${apiPort}`;
}
