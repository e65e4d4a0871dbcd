import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { EXIT } from './exit-codes.js';
import { makeUserLine } from './user-line.js';

const made = (name: string, typed: string) => makeUserLine(name, Readable.from([Buffer.from(typed)]));

describe('user', () => {
  it('makes the line of a users file out of what is typed, and shows no password', async () => {
    const { out, errors, exitCode } = await made('alice', 'open sesame\n');

    expect({ errors, exitCode }).toEqual({ errors: [], exitCode: EXIT.ok });
    expect(out).toEqual([expect.stringMatching(/^alice:scrypt\$14\$8\$1\$[\w-]{22}\$[\w-]{43}$/)]);
  });

  it.each([
    ['nothing', 'alice', '', 'no password was given'],
    ['an empty line', 'alice', '\n', 'no password was given'],
    ['more than a password', 'alice', 'x'.repeat(2_000), 'no password was given'],
    ['a password that RFC 1929 has no room for', 'alice', `${'x'.repeat(256)}\n`, 'that password cannot be used'],
    ['a name that would be a comment', '#alice', 'x\n', 'that name cannot be used'],
  ])('refuses %s', async (_, name, typed, said) => {
    const { out, errors, exitCode } = await made(name, typed);

    expect({ out, exitCode }).toEqual({ out: [], exitCode: EXIT.usage });
    expect(errors).toEqual([expect.stringContaining(said)]);
  });
});
