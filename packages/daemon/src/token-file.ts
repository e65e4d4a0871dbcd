import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BearerToken, describeTokenFlaw, type TokenFlaw } from '@hurricane/http/node';
import { err, type Result, ResultAsync } from 'neverthrow';

/** Why there is no token. Says nothing of what is in the file. */
export type TokenFault =
  | { readonly kind: 'token_missing'; readonly file: string }
  | { readonly kind: 'token_forbidden'; readonly file: string }
  | { readonly kind: 'token_not_a_file'; readonly file: string }
  /** Users who are neither its owner nor of its group may read it, or others than its owner may change it. */
  | { readonly kind: 'token_exposed'; readonly file: string; readonly mode: number }
  /** It belongs to a user who is neither root nor this process's own. */
  | { readonly kind: 'token_not_ours'; readonly file: string; readonly owner: number }
  | { readonly kind: 'token_unfit'; readonly file: string; readonly flaw: TokenFlaw }
  | { readonly kind: 'token_unreadable'; readonly file: string; readonly code: string };

export type ReadToken = (file: string) => ResultAsync<BearerToken, TokenFault>;

/** Bytes read of a token file; the longest token and the end of its line are an eighth of it. */
const MAX_BYTES = 4_096;

/** The permissions it may have: its owner reads and writes, its group reads. */
const PRIVATE = 0o640;

/** Reads a private file with a token in it. Looks at the very file that it reads, whatever its name leads to later. */
export const readTokenFile: ReadToken = (file) => new ResultAsync(read(file));

/** One sentence: what is wrong with the file, and what to do. */
export function describeTokenFault(fault: TokenFault): string {
  switch (fault.kind) {
    case 'token_missing':
      return `There is no token file ${fault.file} (api_token_file): make it with umask 077; openssl rand -hex 32 > ${fault.file}`;
    case 'token_forbidden':
      return `Not permitted to read the token file ${fault.file}`;
    case 'token_not_a_file':
      return `The token file ${fault.file} is not an ordinary file`;
    case 'token_exposed':
      return `The token file ${fault.file} has mode 0${fault.mode.toString(8)}, so that others may read or change it: chmod 600 ${fault.file}`;
    case 'token_not_ours':
      return `The token file ${fault.file} belongs to user ${fault.owner}, who may change it: chown root ${fault.file}`;
    case 'token_unfit':
      return `The token in ${fault.file} ${describeTokenFlaw(fault.flaw)}`;
    case 'token_unreadable':
      return `The token file ${fault.file} cannot be read (${fault.code})`;
  }
}

async function read(file: string): Promise<Result<BearerToken, TokenFault>> {
  let handle: FileHandle | null = null;
  try {
    // A pipe that nobody writes to would hold up a blocking open for ever.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    const fault = faultOf(file, stats);
    if (fault !== null) return err(fault);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES);
    const text = buffer.toString('latin1', 0, bytesRead);
    return BearerToken.of(text).mapErr((flaw): TokenFault => ({ kind: 'token_unfit', file, flaw }));
  } catch (thrown) {
    return err(toFault(file, thrown as NodeJS.ErrnoException));
  } finally {
    await handle?.close();
  }
}

function faultOf(file: string, stats: Stats): TokenFault | null {
  if (!stats.isFile()) return { kind: 'token_not_a_file', file };
  if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) return { kind: 'token_not_ours', file, owner: stats.uid };
  const mode = stats.mode & 0o7777;
  return (mode & ~PRIVATE) === 0 ? null : { kind: 'token_exposed', file, mode };
}

function toFault(file: string, thrown: NodeJS.ErrnoException): TokenFault {
  switch (thrown.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { kind: 'token_missing', file };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'token_forbidden', file };
    case 'ENXIO':
      return { kind: 'token_not_a_file', file };
    default:
      return { kind: 'token_unreadable', file, code: thrown.code ?? thrown.message };
  }
}
