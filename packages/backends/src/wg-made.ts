import type { DriverError } from '@hurricane/core';
import { err, ok, type ResultAsync, safeTry } from 'neverthrow';
import type { Interface } from './interface.js';
import { markIn } from './ownership.js';
import { belongingsIn, type WgBelongings } from './wg-belongings.js';
import { digestOf, parseWgConf, type WgLine } from './wg-conf.js';
import type { WgFiles } from './wg-files.js';

interface Made {
  readonly digest: string;
  readonly belongings: WgBelongings;
}

/** Knows what the interfaces of ours were given by the files they were made from. No keys are remembered. */
export interface MadeFrom {
  /** Null when that cannot be told: it is not ours, or its file has changed since and nobody remembers. */
  belongings(found: Interface, signal: AbortSignal): ResultAsync<WgBelongings | null, DriverError>;
  /** The same, of what is remembered: null when nothing is. */
  remembered(found: Interface): WgBelongings | null;
  forget(iface: string): void;
}

export function madeFrom(files: WgFiles): MadeFrom {
  // By interface; `forget` keeps it to those of tunnels that are up.
  const known = new Map<string, Made>();

  const remembered = (found: Interface): WgBelongings | null => {
    const made = known.get(found.name);
    return made !== undefined && made.digest === digestOn(found) ? made.belongings : null;
  };

  const belongings = (found: Interface, signal: AbortSignal): ResultAsync<WgBelongings | null, DriverError> =>
    safeTry(async function* () {
      const already = remembered(found);
      const digest = digestOn(found);
      if (already !== null || digest === null) return ok(already);
      const lines = yield* linesOf(files, found.name, signal);
      if (lines === null || (await digestOf(lines)) !== digest) return ok(null);
      const made = { digest, belongings: belongingsIn(lines) };
      known.set(found.name, made);
      return ok(made.belongings);
    });

  return { belongings, remembered, forget: (iface) => void known.delete(iface) };
}

const digestOn = ({ alias }: Interface): string | null => markIn(alias)?.madeFrom ?? null;

/** Null when they are not to be had: a tunnel must come down without its file, too. */
export const linesOf = (
  files: WgFiles,
  iface: string,
  signal: AbortSignal,
): ResultAsync<readonly WgLine[] | null, DriverError> =>
  files
    .read(iface, signal)
    .map((file) => (file === null ? null : parseWgConf(file.text)))
    .orElse((error) => (error.kind === 'aborted' ? err<null, DriverError>(error) : ok(null)));
