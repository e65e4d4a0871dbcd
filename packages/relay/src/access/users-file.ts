import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { hashPassword, type PasswordHash, parsePasswordHash } from './password.js';

// Who may use the proxy: a private file of lines `name:hash` (password.ts), `#` beginning a comment.

/** Why there are no users. Nothing in it is a secret: of the file, only line numbers. */
export type UsersFault =
  | { readonly kind: 'users_missing' | 'users_forbidden' | 'users_not_a_file'; readonly file: string }
  /** Others than its owner and group may read it, or others than its owner may change it. */
  | { readonly kind: 'users_exposed'; readonly file: string; readonly mode: number }
  /** It belongs to a user who is neither root nor this process's own. */
  | { readonly kind: 'users_not_ours'; readonly file: string; readonly owner: number }
  | { readonly kind: 'users_too_long'; readonly file: string; readonly limit: number }
  | { readonly kind: 'users_none'; readonly file: string }
  | { readonly kind: 'users_unfit'; readonly file: string; readonly line: number; readonly flaw: UserFlaw }
  | { readonly kind: 'users_unreadable'; readonly file: string; readonly code: string };

export type UserFlaw = 'no_colon' | 'bad_name' | 'bad_hash' | 'named_twice' | 'too_many';

/** By name: the bytes of the name, one character each. */
export type Users = ReadonlyMap<string, PasswordHash>;

/** Each is a line of some 100 characters, and one of them remembered in memory. */
export const USERS_AT_MOST = 256;

const BYTES_AT_MOST = 65_536;

/** The permissions it may have: its owner reads and writes, its group reads. */
const PRIVATE = 0o640;

/** RFC 1929 section 2 leaves room for 255 bytes of a name, and as many of a password. */
const FIELD_AT_MOST = 255;

/** Looks at the very file that it reads, whatever its name leads to later. */
export function readUsersFile(file: string): ResultAsync<Users, UsersFault> {
  return new ResultAsync(read(file));
}

/** The line for a users file, or why there can be none. */
export function userLine(name: string, password: string): ResultAsync<string, 'bad_name' | 'bad_password'> {
  return new ResultAsync(makeLine(name, Buffer.from(password, 'utf8')));
}

/** One sentence: what is wrong with the file, and what to do. */
export function describeUsersFault(fault: UsersFault): string {
  const named = `users file ${fault.file}`;
  switch (fault.kind) {
    case 'users_missing':
      return `There is no ${named} (exposure.socks5 users_file)`;
    case 'users_forbidden':
      return `Not permitted to read the ${named}`;
    case 'users_not_a_file':
      return `The ${named} is not an ordinary file`;
    case 'users_exposed':
      return `The ${named} has mode 0${fault.mode.toString(8)}, so that others may read or change it: chmod 600 ${fault.file}`;
    case 'users_not_ours':
      return `The ${named} belongs to user ${fault.owner}, who may change it: chown root ${fault.file}`;
    case 'users_too_long':
      return `The ${named} has more than ${fault.limit} bytes`;
    case 'users_none':
      return `The ${named} names nobody: nobody could use the proxy`;
    case 'users_unfit':
      return `Line ${fault.line} of the ${named} ${FLAWS[fault.flaw]}`;
    case 'users_unreadable':
      return `The ${named} cannot be read (${fault.code})`;
  }
}

const FLAWS: Readonly<Record<UserFlaw, string>> = {
  no_colon: 'has no ":" between a name and a hash',
  bad_name: `has no name of 1 to ${FIELD_AT_MOST} bytes without control characters before its ":"`,
  bad_hash: 'has no hash of the form scrypt$14$8$1$SALT$HASH after its ":"',
  named_twice: 'names somebody whom an earlier line names',
  too_many: `is one too many: ${USERS_AT_MOST} users at most`,
};

async function read(file: string): Promise<Result<Users, UsersFault>> {
  let handle: FileHandle | null = null;
  try {
    // A pipe that nobody writes to would hold up a blocking open for ever.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const fault = faultOf(file, await handle.stat());
    if (fault !== null) return err(fault);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(BYTES_AT_MOST + 1), 0, BYTES_AT_MOST + 1);
    if (bytesRead > BYTES_AT_MOST) return err({ kind: 'users_too_long', file, limit: BYTES_AT_MOST });
    return parseUsers(file, buffer.toString('latin1', 0, bytesRead));
  } catch (thrown) {
    return err(toFault(file, (thrown as NodeJS.ErrnoException).code));
  } finally {
    await handle?.close();
  }
}

/** `text`: one character for each byte. */
export function parseUsers(file: string, text: string): Result<Users, UsersFault> {
  const users = new Map<string, PasswordHash>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) continue;
    const unfit = (flaw: UserFlaw): UsersFault => ({ kind: 'users_unfit', file, line: index + 1, flaw });
    const colon = line.lastIndexOf(':');
    if (colon === -1) return err(unfit('no_colon'));
    const name = line.slice(0, colon);
    if (!isName(name)) return err(unfit('bad_name'));
    const hash = parsePasswordHash(line.slice(colon + 1).trim());
    if (hash === null) return err(unfit('bad_hash'));
    if (users.has(name)) return err(unfit('named_twice'));
    if (users.size === USERS_AT_MOST) return err(unfit('too_many'));
    users.set(name, hash);
  }
  return users.size === 0 ? err({ kind: 'users_none', file }) : ok(users);
}

async function makeLine(name: string, password: Buffer): Promise<Result<string, 'bad_name' | 'bad_password'>> {
  if (!isName(Buffer.from(name, 'utf8').toString('latin1')) || name.startsWith('#')) return err('bad_name');
  if (password.length === 0 || password.length > FIELD_AT_MOST) return err('bad_password');
  return ok(`${name}:${await hashPassword(password)}`);
}

/** One character for each byte. */
function isName(name: string): boolean {
  return name.length >= 1 && name.length <= FIELD_AT_MOST && name.trim() === name && !/\p{Cc}/u.test(name);
}

function faultOf(file: string, stats: Stats): UsersFault | null {
  if (!stats.isFile()) return { kind: 'users_not_a_file', file };
  if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) return { kind: 'users_not_ours', file, owner: stats.uid };
  const mode = stats.mode & 0o7777;
  return (mode & ~PRIVATE) === 0 ? null : { kind: 'users_exposed', file, mode };
}

function toFault(file: string, code: string | undefined): UsersFault {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { kind: 'users_missing', file };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'users_forbidden', file };
    case 'ENXIO':
      return { kind: 'users_not_a_file', file };
    default:
      return { kind: 'users_unreadable', file, code: code ?? 'unknown' };
  }
}
