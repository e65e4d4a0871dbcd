import { errAsync, okAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { CommandRunner } from './command.js';
import { type KnockOptions, knockOut } from './knock.js';

const OPTIONS: KnockOptions = {
  protocol: 'udp',
  from: { iface: 'he-b', address: '2001:db8:2::2' },
  to: { address: '2001:db8:1::2', port: 7654 },
  bytes: Buffer.from('nonce'),
  signal: new AbortController().signal,
};

function socat(stderr: string): { readonly runner: CommandRunner; readonly ran: unknown[] } {
  const ran: unknown[] = [];
  const runner: CommandRunner = {
    run: (argv, _signal, options) => {
      ran.push([argv.at(-1), options?.input]);
      return okAsync({ exitCode: stderr === '' ? 0 : 1, stdout: '', stderr });
    },
  };
  return { runner, ran };
}

describe('knocking from outside', () => {
  it('binds to the tunnel’s address and interface', async () => {
    const { runner, ran } = socat('');

    expect((await knockOut(OPTIONS, runner)).isOk()).toBe(true);
    expect((await knockOut({ ...OPTIONS, protocol: 'tcp' }, runner)).isOk()).toBe(true);

    expect(ran).toEqual([
      ['UDP6-SENDTO:[2001:db8:1::2]:7654,bind=[2001:db8:2::2],so-bindtodevice=he-b', OPTIONS.bytes],
      ['TCP6:[2001:db8:1::2]:7654,bind=[2001:db8:2::2],so-bindtodevice=he-b,connect-timeout=2', OPTIONS.bytes],
    ]);
  });

  it('has knocked when nobody answers, and not when the socket could not be made', async () => {
    const refused = '2026/01/01 00:00:00 socat[1] E connect(5, AF=10 [2001:db8:1::2]:7654, 28): Connection refused';
    const gone =
      '2026/01/01 00:00:00 socat[1] E bind(5, {AF=10 [2001:db8:2::2]:0}, 28): Cannot assign requested address';

    expect((await knockOut(OPTIONS, socat(refused).runner)).isOk()).toBe(true);
    expect((await knockOut(OPTIONS, socat(gone).runner))._unsafeUnwrapErr()).toMatchObject({ kind: 'command_failed' });
    const missing: CommandRunner = { run: () => errAsync({ kind: 'missing_tool', tool: 'socat', install: null }) };
    expect((await knockOut(OPTIONS, missing))._unsafeUnwrapErr()).toMatchObject({ kind: 'missing_tool' });
  });
});
