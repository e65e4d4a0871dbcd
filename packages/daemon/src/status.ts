import { ok, type Result, safeTry } from 'neverthrow';
import { type ApiAddress, type ApiChoice, apiAddress } from './api-address.js';
import type { ApiFault, Ask } from './ask-api.js';
import type { Report } from './check.js';
import type { ReadText } from './config-file.js';
import { EXIT } from './exit-codes.js';
import { printableWithin } from './printable.js';
import { describeConfigFault, exitCodeOf } from './start-error.js';
import { type HealthDocument, parseHealth, parseTunnels, type TunnelRow } from './status-document.js';
import { statusTable } from './status-table.js';

export interface StatusOptions extends ApiChoice {
  readonly json: boolean;
}

/** Characters of an address in an error. */
const QUOTED = 200;

/** `status`: what the running daemon says about its tunnels. */
export async function reportStatus(options: StatusOptions, readText: ReadText, ask: Ask): Promise<Report> {
  const address = await apiAddress(options, readText);
  if (address.isErr())
    return { out: [], errors: describeConfigFault(address.error), exitCode: exitCodeOf(address.error) };
  const answer = await askAll(address.value, ask);
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

async function askAll({ url: base, token }: ApiAddress, ask: Ask): Promise<Result<Answer, ApiFault>> {
  const urls = { health: `${base}/health`, tunnels: `${base}/tunnels` };
  const foreign = (url: string) => (): ApiFault => ({
    url,
    problem: 'is not a v6-gatewayd: it answers something else',
  });
  return safeTry(async function* () {
    const documents = { health: yield* ask(urls.health, token), tunnels: yield* ask(urls.tunnels, token) };
    const health = yield* parseHealth(documents.health).mapErr(foreign(urls.health));
    const tunnels = yield* parseTunnels(documents.tunnels).mapErr(foreign(urls.tunnels));
    return ok({ documents, health, tunnels });
  });
}
