import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupId } from './group.js';
import { describeTokenFault, readTokenFile } from './token-file.js';

const TOKEN = '0123456789abcdef0123456789abcdef';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hurricane-token-'));
  file = join(folder, 'token');
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a token file', () => {
  it.each([0o400, 0o440, 0o600, 0o640])('is read with mode %o', async (mode) => {
    chmodSync(file, mode);

    expect((await readTokenFile(file))._unsafeUnwrap().matches(TOKEN)).toBe(true);
  });

  it.each([0o604, 0o602, 0o620, 0o644, 0o666, 0o660, 0o700, 0o4600])('is refused with mode %o', async (mode) => {
    chmodSync(file, mode);

    const fault = (await readTokenFile(file))._unsafeUnwrapErr();

    expect(fault).toEqual({ kind: 'token_exposed', file, mode });
    expect(describeTokenFault(fault)).toBe(
      `The token file ${file} has mode 0${mode.toString(8)}, so that others may read or change it: chmod 600 ${file}`,
    );
  });

  it.runIf(process.getuid?.() === 0)('is refused when another user may change it', async () => {
    chownSync(file, 12_345, 0);

    expect((await readTokenFile(file))._unsafeUnwrapErr()).toEqual({ kind: 'token_not_ours', file, owner: 12_345 });
  });

  it('is looked at behind a link', async () => {
    const link = join(folder, 'link');
    symlinkSync(file, link);
    expect((await readTokenFile(link)).isOk()).toBe(true);

    chmodSync(file, 0o644);
    expect((await readTokenFile(link))._unsafeUnwrapErr()).toMatchObject({ kind: 'token_exposed' });
  });

  it.each([
    ['nothing', () => undefined, { kind: 'token_missing' }],
    ['a directory', () => mkdirSync(file), { kind: 'token_not_a_file' }],
    ['a pipe', () => execFileSync('mkfifo', ['-m', '600', file]), { kind: 'token_not_a_file' }],
    ['no text', () => writeFileSync(file, '', { mode: 0o600 }), { kind: 'token_unfit', flaw: 'empty' }],
    ['a guess', () => writeFileSync(file, '1234', { mode: 0o600 }), { kind: 'token_unfit', flaw: 'too_short' }],
    [
      'a megabyte',
      () => writeFileSync(file, 'x'.repeat(1_000_000), { mode: 0o600 }),
      { kind: 'token_unfit', flaw: 'too_long' },
    ],
    [
      'two lines',
      () => writeFileSync(file, `${TOKEN}\n${TOKEN}\n`, { mode: 0o600 }),
      { kind: 'token_unfit', flaw: 'unusable' },
    ],
    [
      'bytes',
      () => writeFileSync(file, Buffer.from([0xff, 0xfe, 0]), { mode: 0o600 }),
      { kind: 'token_unfit', flaw: 'unusable' },
    ],
  ])('is refused when it is %s, in a sentence without its content', async (_what, make, fault) => {
    rmSync(file);
    make();

    const found = (await readTokenFile(file))._unsafeUnwrapErr();

    expect(found).toMatchObject(fault);
    expect(describeTokenFault(found)).toContain(file);
    expect(describeTokenFault(found)).not.toContain(TOKEN);
  });
});

describe('the number of a group', () => {
  const text = 'root:x:0:\nv6:x:998:me,you\nv6-more:x:999:\n+nis\nbroken:x\nodd:x:-1:\n';

  it.each([
    ['root', 0],
    ['v6', 998],
    ['v6-more', 999],
  ])('of %s is %i', (name, id) => {
    expect(groupId(name, text)._unsafeUnwrap()).toBe(id);
  });

  it.each(['V6', 'v', '', 'nis', 'broken', 'odd', 'me'])('of "%s" is not known', (name) => {
    expect(groupId(name, text).isErr()).toBe(true);
  });
});
