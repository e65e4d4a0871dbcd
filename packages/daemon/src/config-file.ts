import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Config, type ConfigProblem, parseConfig } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';

export type ConfigFault =
  | { readonly kind: 'file_missing'; readonly file: string }
  | { readonly kind: 'file_forbidden'; readonly file: string }
  /** A directory, a pipe, a device. */
  | { readonly kind: 'not_a_file'; readonly file: string; readonly found: string }
  | { readonly kind: 'file_too_large'; readonly file: string; readonly bytes: number; readonly limit: number }
  | { readonly kind: 'not_text'; readonly file: string }
  | { readonly kind: 'file_unreadable'; readonly file: string; readonly code: string }
  /** Never empty, by line. */
  | { readonly kind: 'config_invalid'; readonly file: string; readonly problems: readonly ConfigProblem[] };

export type ReadText = (file: string) => ResultAsync<string, ConfigFault>;

/** Bytes read of a configuration file: four for each of the characters the parser takes. */
export const MAX_BYTES = 4_194_304;

/** Reads and parses a configuration file. Errs with all that is wrong with it. */
export function loadConfig(file: string, readText: ReadText): ResultAsync<Config, ConfigFault> {
  return readText(file).andThen((text) =>
    parseConfig(text).mapErr((problems): ConfigFault => ({ kind: 'config_invalid', file, problems })),
  );
}

/** Reads a file of text. Never waits for a writer, and never reads more than `MAX_BYTES`. */
export const readTextFile: ReadText = (file) => new ResultAsync(read(file));

async function read(file: string): Promise<Result<string, ConfigFault>> {
  let handle: FileHandle | null = null;
  try {
    // A pipe that nobody writes to would hold up a blocking open for ever.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile()) return err({ kind: 'not_a_file', file, found: kindOf(stats) });
    if (stats.size > MAX_BYTES) return err({ kind: 'file_too_large', file, bytes: stats.size, limit: MAX_BYTES });
    return decode(file, await readUpTo(handle, MAX_BYTES));
  } catch (thrown) {
    return err(toFault(file, thrown as NodeJS.ErrnoException));
  } finally {
    await handle?.close();
  }
}

/** What a file says about its size need not hold until its end is read; in /proc it is 0. */
async function readUpTo(handle: FileHandle, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let left = limit; left > 0; ) {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(Math.min(left, 65_536)));
    if (bytesRead === 0) break;
    parts.push(buffer.subarray(0, bytesRead));
    left -= bytesRead;
  }
  return Buffer.concat(parts);
}

function decode(file: string, bytes: Uint8Array): Result<string, ConfigFault> {
  try {
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return err({ kind: 'not_text', file });
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a pipe';
  return 'not an ordinary file';
}

function toFault(file: string, thrown: NodeJS.ErrnoException): ConfigFault {
  switch (thrown.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { kind: 'file_missing', file };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'file_forbidden', file };
    case 'ENXIO':
      return { kind: 'not_a_file', file, found: 'not an ordinary file' };
    default:
      return { kind: 'file_unreadable', file, code: thrown.code ?? thrown.message };
  }
}
