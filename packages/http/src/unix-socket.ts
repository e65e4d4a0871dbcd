import { constants, type Stats } from 'node:fs';
import { lchown, lstat, realpath, stat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { Millis } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { type SocketError, toSocketError } from './listen-error.js';

/** unix(7): `sun_path` has 108 bytes, the closing zero included. Node cuts what is longer without a word. */
const LONGEST_PATH = 107;

/** Whoever may read and write a socket may use what listens there: its owner, and perhaps its group. */
export type SocketMode = 0o600 | 0o660;

const EVERY_PERMISSION = 0o777;

/** A process that listens is found by its kernel's queue, at once; one that has stopped with a full queue is alive. */
const PROBE_LIMIT: Millis = 1_000;

/**
 * Leaves nothing at `given`, or says what is in the way. Removes only a socket on which nobody listens, and only where
 * nobody but this user and root could have put something else in the meantime.
 *
 * Resolves to the same place without symbolic links on the way to it: one that is turned later leads nowhere else.
 */
export async function makeRoomFor(given: string): Promise<Result<string, SocketError>> {
  if (!isAbsolute(given) || given.includes('\0')) return err({ kind: 'bad_socket_path', path: given });
  try {
    const directory = await safeDirectory(dirname(given));
    if (directory.isErr()) return err(directory.error);
    const path = join(directory.value, basename(given));
    const bytes = Buffer.byteLength(path);
    if (bytes > LONGEST_PATH) return err({ kind: 'socket_path_too_long', path, bytes, limit: LONGEST_PATH });
    const found = await lstat(path).catch(missingIsNull);
    if (found === null) return ok(path);
    if (!found.isSocket()) return err({ kind: 'not_a_socket', path, found: kindOf(found) });
    return (await removeIfStale(path, found)).map(() => path);
  } catch (thrown) {
    return err(toSocketError(thrown as NodeJS.ErrnoException, given));
  }
}

/**
 * Begins to listen. The mode is that of bind(2), which takes the process's mask away from 0777: a chmod afterwards
 * would leave a moment in which others could connect. Node binds before `listen` returns, so nothing else of this
 * thread runs under that mask.
 */
export function listenPrivately(server: Server, path: string, mode: SocketMode): void {
  const before = process.umask(EVERY_PERMISSION & ~mode);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
}

/** Until then the socket belongs to this process's own group. Never follows a link. */
export async function giveToGroup(path: string, group: number): Promise<Result<void, SocketError>> {
  try {
    const { uid } = await lstat(path);
    await lchown(path, uid, group);
    return ok(undefined);
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    return err(error.code === 'EPERM' ? { kind: 'group_not_permitted', path, group } : toSocketError(error, path));
  }
}

/** Whoever may write to a directory above could put another one in its place: all of them are looked at. */
async function safeDirectory(directory: string): Promise<Result<string, SocketError>> {
  const real = await realpath(directory).catch(missingIsNull);
  if (real === null) return err({ kind: 'directory_missing', directory });
  for (let at = real; ; at = dirname(at)) {
    const stats = await stat(at);
    if (!stats.isDirectory()) return err({ kind: 'directory_missing', directory });
    if (stats.uid !== 0 && stats.uid !== process.geteuid?.())
      return err({ kind: 'directory_not_ours', directory: at, owner: stats.uid });
    // In a sticky directory, such as /tmp, nobody can remove or rename what belongs to others.
    const openToOthers = (stats.mode & (constants.S_IWGRP | constants.S_IWOTH)) !== 0 && (stats.mode & STICKY) === 0;
    if (openToOthers) return err({ kind: 'directory_open', directory: at });
    if (at === dirname(at)) return ok(real);
  }
}

/** S_ISVTX of inode(7), which Node does not name. */
const STICKY = 0o1000;

async function removeIfStale(path: string, found: Stats): Promise<Result<void, SocketError>> {
  const code = await connectionTo(path);
  if (code === 'ENOENT') return ok(undefined);
  if (code === 'EACCES') return err({ kind: 'socket_not_permitted', path });
  if (code !== 'ECONNREFUSED') return err({ kind: 'socket_in_use', path, holder: null });
  const still = await lstat(path).catch(missingIsNull);
  if (still !== null && (still.ino !== found.ino || still.dev !== found.dev))
    return err({ kind: 'socket_in_use', path, holder: null });
  if (still !== null) await unlink(path).catch(missingIsNull);
  return ok(undefined);
}

/** Null when somebody takes connections there; else what was said. */
function connectionTo(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const late = setTimeout(() => settle(null), PROBE_LIMIT);
    const settle = (code: string | null): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(code);
    };
    socket.once('connect', () => settle(null));
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? 'unknown'));
  });
}

function missingIsNull(thrown: NodeJS.ErrnoException): null {
  if (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR') return null;
  throw thrown;
}

function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFile()) return 'a file';
  return 'neither a socket nor a file';
}
