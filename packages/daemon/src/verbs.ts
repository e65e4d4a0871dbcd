import type { FailoverExplanation } from '@hurricane/core';
import type { PortsDocument } from '@hurricane/http';
import { type ApiClient, apiClient, type ClientFault, documentOf } from '@hurricane/http/client';
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import { type ApiChoice, apiAddress } from './api-address.js';
import { networkProblemOf } from './ask-api.js';
import type { Report } from './check.js';
import type { ReadText } from './config-file.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { explanationLines } from './explanation-lines.js';
import { printableWithin } from './printable.js';
import { describeConfigFault, exitCodeOf } from './start-error.js';

/** What a running daemon is told or asked, beside how its tunnels are. */
export type Verb =
  | { readonly type: 'up' | 'down' | 'restart'; readonly tunnel: string }
  /** Null: the gateway chooses. */
  | { readonly type: 'prefer'; readonly tunnel: string | null }
  | { readonly type: 'explain' }
  | { readonly type: 'ports' };

export interface VerbOptions extends ApiChoice {
  readonly verb: Verb;
  readonly json: boolean;
}

/** Characters of what a daemon says. */
const SAID = 2_000;

/** Tells the running daemon, and says what it answered. */
export async function performVerb(options: VerbOptions, readText: ReadText): Promise<Report> {
  const address = await apiAddress(options, readText);
  if (address.isErr())
    return { out: [], errors: describeConfigFault(address.error), exitCode: exitCodeOf(address.error) };
  const { url, token } = address.value;
  const client = apiClient(url, token === null ? {} : { token });
  const answer = await tell(client, options.verb);
  if (answer.isErr()) return refusal(url, answer.error);
  const { document, lines } = answer.value;
  const out = options.json ? [JSON.stringify(document, null, 2)] : lines.map((line) => printableWithin(SAID, line));
  return { out, errors: [], exitCode: EXIT.ok };
}

interface Said {
  readonly document: object;
  readonly lines: readonly string[];
}

function tell(client: ApiClient, verb: Verb): ResultAsync<Said, ClientFault> {
  switch (verb.type) {
    case 'up':
    case 'down':
    case 'restart': {
      const param = { name: verb.tunnel };
      const asked = client.tunnels[':name'][verb.type].$post({ param });
      const doing = { up: 'is going up', down: 'is going down', restart: 'is going down and up again' }[verb.type];
      return documentOf(asked).map((document) => ({ document, lines: [`Tunnel ${document.name} ${doing}`] }));
    }
    case 'prefer':
      return documentOf(client.failover.$post({ json: { tunnel: verb.tunnel } })).map((document) => ({
        document,
        lines: [preferenceLine(document.preferred, document.primary)],
      }));
    case 'explain':
      return documentOf(client.failover.explain.$get()).andThen((document) =>
        known<FailoverExplanation>(document, ['candidates', 'switches', 'next']).map((explanation) => ({
          document,
          lines: explanationLines(explanation),
        })),
      );
    case 'ports':
      return documentOf(client.ports.$get()).andThen((document) =>
        known<PortsDocument>(document, ['ports']).map((ports) => ({ document, lines: portLines(ports) })),
      );
  }
}

/** Another program could answer at the address, and another version: these members are what is gone through. */
function known<T extends object>(document: T, lists: readonly (keyof T & string)[]): ResultAsync<T, ClientFault> {
  const fits = lists.every((name) => Array.isArray(document[name]));
  return fits ? okAsync(document) : errAsync({ kind: 'foreign', status: 200 });
}

function preferenceLine(preferred: string | null, primary: string | null): string {
  const now = primary === null ? 'no tunnel carries the traffic' : `${primary} carries the traffic`;
  return preferred === null ? `The gateway chooses by itself; ${now}` : `${preferred} is preferred; ${now}`;
}

function portLines({ ports }: PortsDocument): readonly string[] {
  if (ports.length === 0) return ['There are no port mappings.'];
  return ports.map((port) => {
    const here = pointText(port.internal_host, port.internal_port);
    const there = pointText(port.v6_address ?? '-', port.external_port);
    const way = port.direction === 'in' ? `${there} -> ${here}` : `${here} -> ${port.target ?? there}`;
    const notes = [port.name, port.description, port.state === 'open' ? null : `${port.state}: ${port.problem ?? ''}`];
    return [`${port.protocol}  ${way}`, ...notes.filter((note) => note !== null)].join('  ');
  });
}

const pointText = (address: string, port: number): string =>
  /:/.test(address) ? `[${address}]:${port}` : `${address}:${port}`;

function refusal(url: string, fault: ClientFault): Report {
  const daemon = `the daemon at ${printableWithin(200, url)}`;
  switch (fault.kind) {
    case 'problem':
      return failed(printableWithin(SAID, fault.problem.detail), exitCodeFor(fault.problem.status));
    case 'no_answer':
      return failed(`${daemon} ${networkProblemOf(fault.cause)}`, EXIT.unavailable);
    case 'foreign':
      return failed(`${daemon} is not a v6-gatewayd: it answers something else`, EXIT.unavailable);
    case 'too_long':
      return failed(`${daemon} answered with more than ${fault.limit} bytes`, EXIT.unavailable);
  }
}

function exitCodeFor(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.noPermission;
  return status >= 500 ? EXIT.unavailable : EXIT.failure;
}

const failed = (sentence: string, exitCode: ExitCode): Report => ({ out: [], errors: [sentence], exitCode });
