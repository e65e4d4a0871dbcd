import type { Millis } from '@hurricane/core';
import { ResultAsync } from 'neverthrow';
import { match } from 'ts-pattern';

/** What keeps a playground from doing what it was asked. */
export type PlaygroundError =
  | { readonly kind: 'usage'; readonly problem: string }
  | { readonly kind: 'missing_tool'; readonly tool: string; readonly package: string | null }
  | { readonly kind: 'command_failed'; readonly argv: readonly string[]; readonly said: string }
  /** A file, folder or socket operation failed. */
  | { readonly kind: 'system'; readonly doing: string; readonly code: string }
  /** Somebody else could look into, or has prepared, the folder that our sockets go in. */
  | { readonly kind: 'unsafe_folder'; readonly path: string }
  | { readonly kind: 'no_encapsulation'; readonly wanted: string; readonly why: string }
  | { readonly kind: 'bad_configuration'; readonly problems: readonly string[] }
  /** A part of it ended by itself. */
  | { readonly kind: 'ended_early'; readonly what: string; readonly said: string }
  | { readonly kind: 'not_ready'; readonly after: Millis }
  | { readonly kind: 'left_behind'; readonly what: readonly string[] }
  | { readonly kind: 'none_running' }
  | { readonly kind: 'several_running'; readonly ids: readonly string[] }
  | { readonly kind: 'no_such_playground'; readonly id: string; readonly running: readonly string[] }
  | { readonly kind: 'unknown_provider'; readonly name: string; readonly known: readonly string[] }
  /** The running playground refused; its own words. */
  | { readonly kind: 'refused'; readonly said: string }
  | { readonly kind: 'cancelled' };

/** One sentence for people: what happened and, where there is something to do, what to do. */
export function describePlaygroundError(error: PlaygroundError): string {
  return match(error)
    .returnType<string>()
    .with({ kind: 'usage' }, (e) => e.problem)
    .with({ kind: 'missing_tool' }, (e) =>
      e.package === null ? `"${e.tool}" is not installed` : `"${e.tool}" is not installed: apt install ${e.package}`,
    )
    .with({ kind: 'command_failed' }, (e) => `"${e.argv.join(' ')}" failed${e.said === '' ? '' : `: ${e.said}`}`)
    .with({ kind: 'system' }, (e) => `could not ${e.doing} (${e.code})`)
    .with(
      { kind: 'unsafe_folder' },
      (e) => `"${e.path}" is not a folder that only you can use: remove it, or set TMPDIR to another place`,
    )
    .with({ kind: 'no_encapsulation' }, (e) => `cannot carry tunnels by ${e.wanted} on this machine: ${e.why}`)
    .with({ kind: 'bad_configuration' }, (e) => `its own configuration is refused: ${e.problems.join('; ')}`)
    .with({ kind: 'ended_early' }, (e) => `${e.what} ended by itself${e.said === '' ? '' : `: ${e.said}`}`)
    .with({ kind: 'not_ready' }, (e) => `no tunnel became usable within ${e.after / 1000} s`)
    .with({ kind: 'left_behind' }, (e) => `could not remove ${e.what.join(', ')}`)
    .with(
      { kind: 'none_running' },
      () => 'no playground of yours is running: start one with "hurricane playground" in another terminal',
    )
    .with(
      { kind: 'several_running' },
      (e) => `${e.ids.length} playgrounds are running: say which with --id ${e.ids.join(' or --id ')}`,
    )
    .with(
      { kind: 'no_such_playground' },
      (e) => `no playground ${e.id} is running; running: ${e.running.join(', ') || 'none'}`,
    )
    .with({ kind: 'unknown_provider' }, (e) => `there is no provider "${e.name}"; there are: ${e.known.join(', ')}`)
    .with({ kind: 'refused' }, (e) => e.said)
    .with({ kind: 'cancelled' }, () => 'it was called off')
    .exhaustive();
}

/** Turns a system call's rejection into a value. `doing` completes "could not …". */
export function attempt<T>(doing: string, call: () => Promise<T>): ResultAsync<T, PlaygroundError> {
  return ResultAsync.fromThrowable(
    call,
    (cause): PlaygroundError => ({ kind: 'system', doing, code: codeOf(cause) }),
  )();
}

/** `ENOENT` and the like, or what else the cause says of itself. */
export function codeOf(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.message : String(cause);
}
