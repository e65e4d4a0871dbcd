import { parseArgs } from 'node:util';
import type { Millis } from '@hurricane/core';
import { err, fromThrowable, ok, type Result } from 'neverthrow';
import { codeOf, type PlaygroundError } from './problems.js';

/** How tunnels can be carried, the best first. */
export const ENCAPSULATIONS = ['sit', 'socat', 'veth'] as const;
export type Encapsulation = (typeof ENCAPSULATIONS)[number];

/** What a playground is asked to show. */
export interface ShowOptions {
  /** Null: the best this machine has. */
  readonly encapsulation: Encapsulation | null;
  /** Without packets even where they could be had. */
  readonly simulated: boolean;
  /** Null: until it is told to end. */
  readonly duration: Millis | null;
  /** Cuts, restores and ends by itself. */
  readonly demo: boolean;
  /** Where the REST API is looked for a free port first. */
  readonly port: number;
}

export type Errand =
  | { readonly kind: 'show'; readonly options: ShowOptions }
  | { readonly kind: 'cut' | 'restore'; readonly provider: string; readonly id: string | null }
  | { readonly kind: 'status'; readonly id: string | null }
  | { readonly kind: 'help' }
  /** Parts of a running playground; people have no use for them. */
  | { readonly kind: 'inside'; readonly folder: string }
  | { readonly kind: 'site' }
  | { readonly kind: 'reap'; readonly id: string };

/** The REST API's port in the seed's documentation, so that its examples work here. */
const DEFAULT_PORT = 8642;

/** A day: longer is a slip of the pen. */
const LONGEST: Millis = 86_400_000;

export const USAGE = `Usage: hurricane playground [options]           show the gateway at work on this machine
       hurricane playground cut NAME            let a provider fall silent
       hurricane playground restore NAME        let it work again
       hurricane playground status              the tunnels, as the gateway sees them

Options:
  --encapsulation KIND  sit, socat or veth: how tunnels are carried (default: the best there is)
  --simulated           the same gateway in a simulated world, without packets and without root
  --demo                cuts and restores a provider by itself, says how long it took, and ends
  --for SECONDS         ends by itself
  --port NUMBER         where the REST API listens (default: ${DEFAULT_PORT}, or the next free one)
  --id ID               which playground to talk to, when several are running
`;

const FLAGS = {
  encapsulation: { type: 'string' },
  simulated: { type: 'boolean' },
  demo: { type: 'boolean' },
  for: { type: 'string' },
  port: { type: 'string' },
  id: { type: 'string' },
  inside: { type: 'string' },
  site: { type: 'boolean' },
  reap: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @param args what follows `playground` on the command line. */
export function parseErrand(args: readonly string[]): Result<Errand, PlaygroundError> {
  const read = fromThrowable(
    () => parseArgs({ args: [...args], options: FLAGS, allowPositionals: true, strict: true }),
    (cause): PlaygroundError => ({ kind: 'usage', problem: cause instanceof Error ? cause.message : codeOf(cause) }),
  );
  return read().andThen(({ values, positionals }) => {
    const [verb, name, ...more] = positionals;
    const id = values.id ?? null;
    if (values.help) return ok<Errand, PlaygroundError>({ kind: 'help' });
    if (values.inside !== undefined) return ok<Errand, PlaygroundError>({ kind: 'inside', folder: values.inside });
    if (values.site) return ok<Errand, PlaygroundError>({ kind: 'site' });
    if (values.reap !== undefined) return ok<Errand, PlaygroundError>({ kind: 'reap', id: values.reap });
    if (more.length > 0) return wrong(`"${more[0]}" is one word too many`);
    if (verb === 'cut' || verb === 'restore') {
      if (name === undefined) return wrong(`say which provider to ${verb}: hurricane playground ${verb} NAME`);
      return ok<Errand, PlaygroundError>({ kind: verb, provider: name, id });
    }
    if (name !== undefined) return wrong(`"${name}" is one word too many`);
    if (verb === 'status') return ok<Errand, PlaygroundError>({ kind: 'status', id });
    if (verb !== undefined) return wrong(`"${verb}" is not one of cut, restore, status`);
    return showOptions(values).map((options): Errand => ({ kind: 'show', options }));
  });
}

interface Values {
  readonly encapsulation?: string | undefined;
  readonly simulated?: boolean | undefined;
  readonly demo?: boolean | undefined;
  readonly for?: string | undefined;
  readonly port?: string | undefined;
}

function showOptions(values: Values): Result<ShowOptions, PlaygroundError> {
  const { simulated = false, demo = false } = values;
  const encapsulation = ENCAPSULATIONS.find((known) => known === values.encapsulation) ?? null;
  if (values.encapsulation !== undefined && encapsulation === null) {
    return wrong(`"${values.encapsulation}" is not one of ${ENCAPSULATIONS.join(', ')}`);
  }
  if (encapsulation !== null && simulated) return wrong('--simulated carries no packets: leave out --encapsulation');
  const seconds = values.for === undefined ? null : Number(values.for);
  if (seconds !== null && !(values.for?.trim() && seconds > 0 && seconds * 1000 <= LONGEST)) {
    return wrong(`--for wants seconds, at most ${LONGEST / 1000}, not "${values.for}"`);
  }
  const port = values.port === undefined ? DEFAULT_PORT : Number(values.port);
  if (values.port?.trim() === '' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return wrong(`--port wants a number from 1 to 65535, not "${values.port}"`);
  }
  return ok({ encapsulation, simulated, demo, port, duration: seconds === null ? null : seconds * 1000 });
}

const wrong = (problem: string): Result<never, PlaygroundError> => err({ kind: 'usage', problem });
