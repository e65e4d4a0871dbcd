import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isPassword, parsePasswordHash } from './password.js';
import { describeUsersFault, parseUsers, readUsersFile, USERS_AT_MOST, userLine } from './users-file.js';

let folder = '';
let line = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hurricane-users-'));
  line = (await userLine('me', 'open sesame'))._unsafeUnwrap();
});
afterAll(() => rm(folder, { recursive: true }));

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

describe('a line', () => {
  test('has the name and a hash that knows the password, and nothing of it in clear', async () => {
    const hash = parsePasswordHash(line.slice('me:'.length));

    expect(line).toMatch(/^me:scrypt\$14\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    if (hash === null) throw new Error('no hash');
    expect(await isPassword(hash, bytes('open sesame'))).toBe(true);
    expect(await isPassword(hash, bytes('open sesame '))).toBe(false);
    expect(await isPassword(hash, bytes(''))).toBe(false);
  });

  test('has a salt of its own', async () => {
    expect((await userLine('me', 'open sesame'))._unsafeUnwrap()).not.toBe(line);
  });

  test.each([
    ['', 'x', 'bad_name'],
    [' me', 'x', 'bad_name'],
    ['me\n', 'x', 'bad_name'],
    ['#me', 'x', 'bad_name'],
    ['ü'.repeat(128), 'x', 'bad_name'],
    ['me', '', 'bad_password'],
    ['me', 'ü'.repeat(128), 'bad_password'],
  ])('is not made of %j and %j', async (name, password, why) => {
    expect((await userLine(name, password))._unsafeUnwrapErr()).toBe(why);
  });
});

describe('the text', () => {
  test('names users, whatever line ends and comments it has', async () => {
    const other = (await userLine('a:b', 'x'))._unsafeUnwrap();
    const users = parseUsers('f', `# users\r\n\r\n${line}\r\n${other}\n`)._unsafeUnwrap();

    expect([...users.keys()]).toEqual(['me', 'a:b']);
  });

  test.each([
    ['me', 'no_colon'],
    [':scrypt$14$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'bad_name'],
    ['me:secret', 'bad_hash'],
    ['me:$2y$05$abcdefghijklmnopqrstuv', 'bad_hash'],
    ['me:scrypt$11$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'bad_hash'],
    ['me:scrypt$18$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'bad_hash'],
    ['me:scrypt$14$17$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'bad_hash'],
    ['me:scrypt$14$8$5$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'bad_hash'],
    ['me:scrypt$14$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'bad_hash'],
  ])('with %s is refused: %s', (text, flaw) => {
    const fault = parseUsers('f', `#\n${text}\n`)._unsafeUnwrapErr();

    expect(fault).toEqual({ kind: 'users_unfit', file: 'f', line: 2, flaw });
    expect(describeUsersFault(fault)).toMatch(/^Line 2 of the users file f has /);
    expect(describeUsersFault(fault)).not.toMatch(/secret|AAAA|abcdef/);
  });

  test('that names somebody twice, nobody, or too many is refused', () => {
    const many = Array.from({ length: USERS_AT_MOST + 1 }, (_, i) => line.replace('me', `u${i}`)).join('\n');

    expect(parseUsers('f', `${line}\n${line}`)._unsafeUnwrapErr()).toMatchObject({ line: 2, flaw: 'named_twice' });
    expect(parseUsers('f', '# nobody\n')._unsafeUnwrapErr()).toEqual({ kind: 'users_none', file: 'f' });
    expect(parseUsers('f', many)._unsafeUnwrapErr()).toMatchObject({ line: USERS_AT_MOST + 1, flaw: 'too_many' });
  });
});

describe('the file', () => {
  test.each([
    [0o600, null],
    [0o640, null],
    [0o400, null],
    [0o644, 'users_exposed'],
    [0o660, 'users_exposed'],
    [0o602, 'users_exposed'],
  ])('with mode %o: %s', async (mode, kind) => {
    const file = join(folder, `users-${mode}`);
    await writeFile(file, `${line}\n`);
    await chmod(file, mode);

    const read = await readUsersFile(file);

    expect(read.isErr() ? read.error.kind : null).toBe(kind);
  });

  test('has to be one, and short', async () => {
    await mkdir(join(folder, 'directory'));
    await writeFile(join(folder, 'long'), '#'.repeat(65_537), { mode: 0o600 });
    const kind = async (name: string): Promise<string> => (await readUsersFile(name))._unsafeUnwrapErr().kind;

    expect(await kind(join(folder, 'nothing'))).toBe('users_missing');
    expect(await kind(join(folder, 'directory'))).toBe('users_not_a_file');
    expect(await kind(join(folder, 'long'))).toBe('users_too_long');
  });
});
