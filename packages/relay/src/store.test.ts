import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decode, encode, fileStore, type StoredMapping } from './store.js';

const ONE: StoredMapping = {
  protocol: 'udp',
  internal_port: 7654,
  external_port: 7655,
  v6_address: 'auto',
  direction: 'in',
  target: null,
  description: 'I2P',
  since: 1_700_000_000,
};
const OTHER: StoredMapping = {
  ...ONE,
  protocol: 'tcp',
  v6_address: '2001:db8:1::2',
  direction: 'out',
  target: '[2001:db8::1]:80',
  description: null,
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ports-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (...names: readonly string[]): string => join(folder, ...names);
const store = (path: string) => fileStore(path, () => 1_700_000_000);

describe('the file of mappings', () => {
  it('gives back what was saved, and nothing before that', async () => {
    const { load, save } = store(at('state', 'ports.json'));
    expect((await load())._unsafeUnwrap()).toEqual({ mappings: [], setAside: null });

    (await save([ONE]))._unsafeUnwrap();
    (await save([ONE, OTHER]))._unsafeUnwrap();

    expect((await load())._unsafeUnwrap()).toEqual({ mappings: [ONE, OTHER], setAside: null });
    expect(readdirSync(at('state'))).toEqual(['ports.json']);
  });

  it('is private, and so is the folder that is made for it', async () => {
    (await store(at('state', 'ports.json')).save([ONE]))._unsafeUnwrap();

    expect(statSync(at('state', 'ports.json')).mode & 0o777).toBe(0o600);
    expect(statSync(at('state')).mode & 0o777).toBe(0o700);
  });

  it('is replaced whole, whatever an interrupted run has left beside it', async () => {
    writeFileSync(at(`.ports.json.${process.pid}`), 'half');

    (await store(at('ports.json')).save([ONE]))._unsafeUnwrap();

    expect(decode(readFileSync(at('ports.json'), 'utf8'))).toEqual([ONE]);
    expect(readdirSync(folder)).toEqual(['ports.json']);
  });

  it('is kept under another name when it is damaged', async () => {
    const damaged = encode([ONE]).replace('7655', '7656');
    writeFileSync(at('ports.json'), damaged);

    const loaded = (await store(at('ports.json')).load())._unsafeUnwrap();

    expect(loaded).toEqual({ mappings: [], setAside: at('ports.json.damaged-1700000000') });
    expect(readFileSync(loaded.setAside ?? '', 'utf8')).toBe(damaged);
    expect(readdirSync(folder)).toEqual(['ports.json.damaged-1700000000']);
  });

  it('is an error, and stays where it is, when it cannot be read or written', async () => {
    const { load, save } = store(at('ports.json', 'ports.json'));
    writeFileSync(at('ports.json'), encode([ONE]));

    expect((await load())._unsafeUnwrapErr()).toEqual({ code: 'ENOTDIR' });
    expect((await save([]))._unsafeUnwrapErr()).toMatchObject({ code: expect.stringMatching(/ENOTDIR|EEXIST/) });
    expect(decode(readFileSync(at('ports.json'), 'utf8'))).toEqual([ONE]);
  });

  it('is read only as it was written: no cut, no changed byte, no other shape', () => {
    const text = encode([ONE, OTHER]);
    expect(decode(text)).toEqual([ONE, OTHER]);

    for (let i = 1; i < text.length - 1; i += 7) expect(decode(text.slice(0, i)), `cut at ${i}`).toBeNull();
    for (const [i, letter] of [...text].entries())
      if (/[0-9a-z]/.test(letter)) {
        const changed = text.slice(0, i) + (letter === '0' ? '1' : '0') + text.slice(i + 1);
        expect(decode(changed), `changed at ${i}`).toBeNull();
      }
    for (const wrong of ['', 'null', '[]', '{}', '{"version":1}', encode([{ ...ONE, internal_port: 0 }])])
      expect(decode(wrong)).toBeNull();
    expect(decode(encode([{ ...ONE, target: '[2001:db8::1]:80' }]))).toBeNull();
    expect(decode(encode([{ ...OTHER, target: '[::1]:80' }]))).toBeNull();
  });
});
