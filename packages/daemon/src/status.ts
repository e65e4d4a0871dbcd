import { isIPv6 } from 'node:net';
import { CORE_DEFAULTS, type CoreConfig } from '@hurricane/core';
import { err, ok, type Result, safeTry } from 'neverthrow';
import type { ApiFault, Ask } from './ask-api.js';
import type { Report } from './check.js';
import { type ConfigFault, loadConfig, type ReadText } from './config-file.js';
import { EXIT } from './exit-codes.js';
import { DEFAULT_CONFIG_FILE } from './invocation.js';
import { printableWithin } from './printable.js';
import { describeConfigFault, exitCodeOf } from './start-error.js';
import { type HealthDocument, parseHealth, parseTunnels, type TunnelRow } from './status-document.js';
import { statusTable } from './status-table.js';

export interface StatusOptions {
  /** Null: the default one, which need not be there. */
  readonly configFile: string | null;
  /** Null: the one the configuration names. */
  readonly url: string | null;
  readonly json: boolean;
}

/** Characters of an address in an error. */
const QUOTED = 200;

/** `status`: what the running daemon says about its tunnels. */
export async function reportStatus(options: StatusOptions, readText: ReadText, ask: Ask): Promise<Report> {
  const url =
    options.url === null ? await configuredUrl(options.configFile, readText) : ok<string, ConfigFault>(options.url);
  if (url.isErr()) return { out: [], errors: describeConfigFault(url.error), exitCode: exitCodeOf(url.error) };
  const answer = await askAll(url.value, ask);
  if (answer.isErr()) {
    const { url: asked, problem } = answer.error;
    const sentence = `the daemon at ${printableWithin(QUOTED, asked)} ${problem}`;
    return { out: [], errors: [sentence], exitCode: EXIT.unavailable };
  }
  const { documents, health, tunnels } = answer.value;
  const out = options.json ? [JSON.stringify(documents, null, 2)] : statusTable(health, tunnels);
  return { out, errors: [], exitCode: health.status === 'down' ? EXIT.failure : EXIT.ok };
}

interface Answer {
  /** As they came. */
  readonly documents: { readonly health: unknown; readonly tunnels: unknown };
  readonly health: HealthDocument;
  readonly tunnels: readonly TunnelRow[];
}

async function askAll(base: string, ask: Ask): Promise<Result<Answer, ApiFault>> {
  const urls = { health: `${base}/health`, tunnels: `${base}/tunnels` };
  const foreign = (url: string) => (): ApiFault => ({
    url,
    problem: 'is not a v6-gatewayd: it answers something else',
  });
  return safeTry(async function* () {
    const documents = { health: yield* ask(urls.health), tunnels: yield* ask(urls.tunnels) };
    const health = yield* parseHealth(documents.health).mapErr(foreign(urls.health));
    const tunnels = yield* parseTunnels(documents.tunnels).mapErr(foreign(urls.tunnels));
    return ok({ documents, health, tunnels });
  });
}

async function configuredUrl(file: string | null, readText: ReadText): Promise<Result<string, ConfigFault>> {
  const config = await loadConfig(file ?? DEFAULT_CONFIG_FILE, readText);
  if (config.isOk()) return ok(urlOf(config.value.core));
  return file === null && config.error.kind === 'file_missing' ? ok(urlOf(CORE_DEFAULTS)) : err(config.error);
}

/** An API that listens on every address is asked at the loopback one. */
function urlOf({ apiBind, apiPort }: CoreConfig): string {
  const host = apiBind === '0.0.0.0' ? '127.0.0.1' : apiBind === '::' ? '::1' : apiBind;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${apiPort}`;
}
