import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemWgFiles, type WgFiles } from './wg-files.js';

const live = (): AbortSignal => new AbortController().signal;

let root: string;
let copies: string;
let files: WgFiles;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wg-files-'));
  copies = join(root, 'run', 'copies');
  files = systemWgFiles({ folder: root, copies });
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('a WireGuard configuration', () => {
  it('is read as it is', async () => {
    await writeFile(join(root, 'wg0.conf'), '[Interface]\n', { mode: 0o600 });

    const file = (await files.read('wg0', live()))._unsafeUnwrap();

    expect(file).toEqual({ path: join(root, 'wg0.conf'), text: '[Interface]\n', isExposed: false });
  });

  it.each([
    [0o644, 0o755, true],
    [0o644, 0o700, false],
    [0o640, 0o755, false],
  ])('of mode %o in a folder of mode %o is open to everybody: %s', async (mode, folder, isExposed) => {
    await writeFile(join(root, 'wg0.conf'), '');
    await chmod(join(root, 'wg0.conf'), mode);
    await chmod(root, folder);

    expect((await files.read('wg0', live()))._unsafeUnwrap()).toMatchObject({ isExposed });
  });

  it('that is not there is an answer', async () => {
    expect((await files.read('wg0', live()))._unsafeUnwrap()).toBeNull();
  });

  it.each(['folder', 'giant'])('is refused when it is a %s', async (what) => {
    if (what === 'folder') await mkdir(join(root, 'wg0.conf'));
    else await writeFile(join(root, 'wg0.conf'), Buffer.alloc(1_048_577));

    expect((await files.read('wg0', live()))._unsafeUnwrapErr()).toMatchObject({ kind: 'misconfigured' });
  });
});

describe('a copy', () => {
  it('is for its owner alone, as is its folder, and goes', async () => {
    (await files.writeCopy('wg0', 'secret', live()))._unsafeUnwrap();

    expect((await stat(files.copyOf('wg0'))).mode & 0o777).toBe(0o600);
    expect((await stat(copies)).mode & 0o777).toBe(0o700);
    expect((await files.hasCopy('wg0', live()))._unsafeUnwrap()).toBe(true);
    (await files.removeCopy('wg0', live()))._unsafeUnwrap();
    (await files.removeCopy('wg0', live()))._unsafeUnwrap();
    expect((await files.hasCopy('wg0', live()))._unsafeUnwrap()).toBe(false);
    expect(await readdir(copies)).toEqual([]);
  });

  it('replaces an earlier one, and follows no link', async () => {
    await mkdir(copies, { recursive: true, mode: 0o700 });
    await writeFile(join(root, 'other'), 'theirs');
    await symlink(join(root, 'other'), files.copyOf('wg0'));

    (await files.writeCopy('wg0', 'ours', live()))._unsafeUnwrap();

    expect(await readFile(join(root, 'other'), 'utf8')).toBe('theirs');
    expect(await readFile(files.copyOf('wg0'), 'utf8')).toBe('ours');
  });

  it('is not written where others could look', async () => {
    await mkdir(copies, { recursive: true });
    await chmod(copies, 0o755);

    const error = (await files.writeCopy('wg0', 'secret', live()))._unsafeUnwrapErr();

    expect(error).toMatchObject({ kind: 'unsupported', what: expect.stringContaining(`chmod 700 ${copies}`) });
    expect(await readdir(copies)).toEqual([]);
  });

  it('that cannot be written is an error with a sentence', async () => {
    await writeFile(join(root, 'run'), 'in the way');

    const error = (await files.writeCopy('wg0', 'secret', live()))._unsafeUnwrapErr();

    expect(error).toMatchObject({ kind: 'unsupported', what: expect.stringMatching(/^cannot write .*wg0\.conf: E/) });
  });
});
