import { readFileSync } from 'node:fs';
import { parseConfig } from '@hurricane/core';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const readme = read('README.md');

/** What stands between ```language and the next ```. */
function blockOf(language: string): string {
  return new RegExp(`\\n\`\`\`${language}\\n(.*?)\\n\`\`\`\\n`, 's').exec(readme)?.[1] ?? '';
}

describe('README.md', () => {
  it('shows the example that is compiled', () => {
    expect(`${blockOf('ts')}\n`).toBe(read('examples/embed.ts'));
  });

  it('shows a configuration that is accepted without a word', () => {
    expect(parseConfig(blockOf('ini'))._unsafeUnwrap().warnings).toEqual([]);
  });

  it('links to nothing that is not there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((link) => link[1] ?? '');

    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((path) => !exists(path))).toEqual([]);
  });

  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const named = [...readme.matchAll(/npm run ([a-z:-]+)/g)].map((found) => found[1] ?? '');

    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

function exists(path: string): boolean {
  try {
    read(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR';
  }
}
