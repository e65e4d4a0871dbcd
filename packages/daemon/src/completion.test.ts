import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parseArgs } from './args.js';
import { completionScript, type Shell } from './completion.js';

const scriptFor = (shell: Shell): string => {
  const asked = parseArgs(['completion', shell], 'hurricane', '1.2.3')._unsafeUnwrap();
  return asked.kind === 'completion' ? completionScript(asked.shell, asked.outline) : '';
};

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): readonly string[] {
  const ask = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hurricane; declare -p COMPREPLY';
  const said = execFileSync('bash', ['-c', `${scriptFor('bash')}\n${ask}`, 'bash', ...words], { encoding: 'utf8' });
  // declare -a COMPREPLY=([0]="playground" [1]="status")
  return [...said.matchAll(/\]="([^"]*)"/g)].map((found) => found[1] ?? '');
}

const hasBash = spawnSync('bash', ['-c', '']).status === 0;

describe.skipIf(!hasBash)(`completion in bash${hasBash ? '' : ' (skipped: there is no bash)'}`, () => {
  it('offers commands and options', () => {
    expect(offered('hurricane', 'pl')).toEqual(['playground']);
    expect(offered('hurricane', '--con')).toEqual(['--config']);
    expect(offered('hurricane', '-d', '')).toContain('status');
  });

  it('offers what belongs to the command', () => {
    expect(offered('hurricane', 'status', '--j')).toEqual(['--json']);
    expect(offered('hurricane', 'ev')).toEqual(['events']);
    expect(offered('hurricane', 'up', '--u')).toEqual(['--url']);
    expect(offered('hurricane', 'prefer', 'au')).toEqual(['auto']);
    expect(offered('hurricane', 'status', 'pl')).toEqual([]);
    expect(offered('hurricane', 'completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
    expect(offered('hurricane', 'playground', 'cu')).toEqual(['cut']);
  });

  it('offers the values of an option, and files for a file', () => {
    expect(offered('hurricane', '--log-format', '')).toEqual(['text', 'json']);
    expect(offered('hurricane', '-c', '/etc/host')).toContain('/etc/hosts');
    expect(offered('hurricane', 'status', '--url', '')).toEqual([]);
  });
});

describe('completion in every shell', () => {
  it.each(['bash', 'zsh', 'fish'] as const)('knows each command and option under both names: %s', (shell) => {
    const script = scriptFor(shell);

    for (const word of ['playground', 'status', 'completion', 'config', 'log-format', 'json', 'url', 'cut']) {
      expect(script).toContain(word);
    }
    for (const name of ['hurricane', 'v6-gatewayd']) expect(script).toContain(name);
  });
});
