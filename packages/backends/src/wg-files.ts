import { constants } from 'node:fs';
import { lstat, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverError } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { errnoOf } from './launch.js';

/** A WireGuard configuration as somebody wrote it. */
export interface WgFile {
  readonly path: string;
  readonly text: string;
  /** Every user of this host can read the keys in it. */
  readonly isExposed: boolean;
}

/**
 * The WireGuard configurations of a host, which are only read, and our copies of them, which wg-quick
 * gets to see. A copy is there from before wg-quick starts until what it does is complete: one that is
 * found later tells of work that was broken off. Never rejects.
 */
export interface WgFiles {
  /** Where the configuration for `iface` is, or would be. */
  pathOf(iface: string): string;
  /** Null when there is none. */
  read(iface: string, signal: AbortSignal): ResultAsync<WgFile | null, DriverError>;
  /** The path of the copy for `iface`. wg-quick names the interface after it. */
  copyOf(iface: string): string;
  /** Readable by nobody else, from its first moment. Replaces an earlier one. */
  writeCopy(iface: string, text: string, signal: AbortSignal): ResultAsync<void, DriverError>;
  hasCopy(iface: string, signal: AbortSignal): ResultAsync<boolean, DriverError>;
  /** None there: changes nothing. */
  removeCopy(iface: string, signal: AbortSignal): ResultAsync<void, DriverError>;
}

/** Bytes of a configuration. One with a hundred peers has some 20,000. */
const SIZE_LIMIT = 1_048_576;

const ALL_BUT_OWNER = 0o077;
const EVERYBODY = 0o007;

export interface WgFilesOptions {
  /** Where the configurations are. */
  readonly folder?: string;
  /** Where copies are kept; made when it is missing, for its owner alone. */
  readonly copies?: string;
}

export function systemWgFiles(options: WgFilesOptions = {}): WgFiles {
  const { folder = '/etc/wireguard', copies = '/run/v6-gatewayd/wireguard' } = options;
  const pathOf = (iface: string): string => join(folder, `${iface}.conf`);
  const copyOf = (iface: string): string => join(copies, `${iface}.conf`);
  const run = <T>(signal: AbortSignal, what: string, act: () => Promise<Result<T, DriverError>>) =>
    new ResultAsync(attempt(signal, what, act));
  return {
    pathOf,
    copyOf,
    read: (iface, signal) => run(signal, `read ${pathOf(iface)}`, () => read(pathOf(iface), folder)),
    writeCopy: (iface, text, signal) =>
      run(signal, `write ${copyOf(iface)}`, () => writeCopy(copies, copyOf(iface), text)),
    hasCopy: (iface, signal) => run(signal, `look for ${copyOf(iface)}`, () => isThere(copyOf(iface))),
    removeCopy: (iface, signal) =>
      run(signal, `remove ${copyOf(iface)}`, async () => {
        await rm(copyOf(iface), { force: true });
        return ok(undefined);
      }),
  };
}

async function attempt<T>(
  signal: AbortSignal,
  what: string,
  act: () => Promise<Result<T, DriverError>>,
): Promise<Result<T, DriverError>> {
  if (signal.aborted) return err({ kind: 'aborted' });
  try {
    return await act();
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === 'EACCES' || code === 'EPERM') return err({ kind: 'not_permitted', operation: what });
    if (code === null) return err({ kind: 'defect', cause });
    return err({ kind: 'unsupported', what: `cannot ${what}: ${code === 'EROFS' ? 'it is read-only here' : code}` });
  }
}

async function read(path: string, folder: string): Promise<Result<WgFile | null, DriverError>> {
  // Not blocking: opening a pipe would otherwise wait for somebody to write into it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return null;
    throw cause;
  });
  if (file === null) return ok(null);
  try {
    const { mode, size, isFile } = await file.stat().then((is) => ({ ...is, isFile: is.isFile() }));
    if (!isFile) return err(unreadable(path, 'is not an ordinary file'));
    if (size > SIZE_LIMIT) return err(unreadable(path, `has more than ${SIZE_LIMIT} bytes`));
    const isExposed = (mode & (await stat(folder)).mode & EVERYBODY) !== 0;
    return ok({ path, text: await file.readFile('utf8'), isExposed });
  } finally {
    await file.close();
  }
}

const unreadable = (path: string, problem: string): DriverError => ({
  kind: 'misconfigured',
  setting: path,
  problem,
});

async function writeCopy(folder: string, path: string, text: string): Promise<Result<void, DriverError>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const is = await lstat(folder);
  const isPrivate = is.isDirectory() && is.uid === process.getuid?.() && (is.mode & ALL_BUT_OWNER) === 0;
  if (!isPrivate) {
    const what = `${folder} must be a folder of this user's alone, because keys pass through it: chmod 700 ${folder}`;
    return err({ kind: 'unsupported', what });
  }
  await rm(path, { force: true });
  // Exclusive: follows no link and writes to nothing that anybody else has open.
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    return ok(undefined);
  } finally {
    await file.close();
  }
}

async function isThere(path: string): Promise<Result<boolean, DriverError>> {
  const found = await lstat(path).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return null;
    throw cause;
  });
  return ok(found !== null);
}
