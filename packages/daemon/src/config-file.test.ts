import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, MAX_BYTES, readTextFile } from './config-file.js';

const folder = mkdtempSync(join(tmpdir(), 'hurricane-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

function aFile(content: string | Uint8Array): string {
  const file = join(folder, `${Math.random()}.conf`);
  writeFileSync(file, content);
  return file;
}

describe('a file of text', () => {
  it('is read whole, without the mark some editors begin it with', async () => {
    const text = `# ${'ü'.repeat(100_000)}\n`;

    expect((await readTextFile(aFile(`\ufeff${text}`)))._unsafeUnwrap()).toBe(text);
    expect((await readTextFile(aFile('')))._unsafeUnwrap()).toBe('');
  });

  it('may be one that does not know its size', async () => {
    expect((await readTextFile('/proc/self/status'))._unsafeUnwrap()).toMatch(/^Name:/);
  });

  it.each([
    ['is missing', () => join(folder, 'none'), { kind: 'file_missing' }],
    ['is below a file', () => join(aFile(''), 'none'), { kind: 'file_missing' }],
    ['is a folder', () => folder, { kind: 'not_a_file', found: 'a directory' }],
    ['is a device without an end', () => '/dev/zero', { kind: 'not_a_file', found: 'not an ordinary file' }],
    ['has too long a name', () => join(folder, 'x'.repeat(5_000)), { kind: 'file_unreadable', code: 'ENAMETOOLONG' }],
    ['is no text', () => aFile(new Uint8Array([0x66, 0xff, 0xfe])), { kind: 'not_text' }],
    ['is too large', () => aFile(new Uint8Array(MAX_BYTES + 1)), { kind: 'file_too_large', bytes: MAX_BYTES + 1 }],
  ])('that %s is a fault', async (_what, make, fault) => {
    expect((await readTextFile(make()))._unsafeUnwrapErr()).toMatchObject(fault);
  });

  it('that is a pipe nobody writes to is a fault at once', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);

    expect((await readTextFile(pipe))._unsafeUnwrapErr()).toMatchObject({ kind: 'not_a_file', found: 'a pipe' });
  });
});

describe('a configuration file', () => {
  it('errs with all its problems', async () => {
    const file = aFile('[core]\napi_port = x\nlog_level = y\n');

    const fault = (await loadConfig(file, readTextFile))._unsafeUnwrapErr();

    expect(fault.kind === 'config_invalid' ? fault.problems.map((problem) => problem.line) : []).toEqual([2, 3, null]);
  });
});
