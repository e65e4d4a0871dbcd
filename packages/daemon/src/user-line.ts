import type { Readable } from 'node:stream';
import { userLine } from '@hurricane/relay';
import type { Report } from './check.js';
import { EXIT } from './exit-codes.js';

/** Bytes read of a password: RFC 1929 has room for 255, and a line ends with one or two more. */
const READ_AT_MOST = 1_024;

/** `user`: the line for the proxy's users file. The password is read, never given: arguments are seen by everybody. */
export async function makeUserLine(name: string, stdin: Readable): Promise<Report> {
  const password = await firstLineOf(stdin);
  if (password === null || password === '')
    return failed('no password was given: type one, or let a file or a program write it to this');
  const line = await userLine(name, password);
  return line.match<Report>(
    (text) => ({ out: [text.trimEnd()], errors: [], exitCode: EXIT.ok }),
    (why) =>
      failed(
        why === 'bad_name'
          ? 'that name cannot be used: 1 to 255 bytes, no spaces around them, and no # in front'
          : 'that password cannot be used: 1 to 255 bytes',
      ),
  );
}

/** Null: there is none within the bound. */
async function firstLineOf(stdin: Readable): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stdin as AsyncIterable<Buffer | string>) {
    const part = Buffer.from(piece);
    parts.push(part);
    bytes += part.length;
    if (part.includes(10)) break;
    if (bytes > READ_AT_MOST) return null;
  }
  return Buffer.concat(parts).toString().split(/\r?\n/)[0] ?? null;
}

const failed = (sentence: string): Report => ({ out: [], errors: [sentence], exitCode: EXIT.usage });
