import { okAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import { linuxFlows } from './flows.js';
import { FakeHost } from './testing/fake-host.js';

const live = (): AbortSignal => new AbortController().signal;

describe('ending connections', () => {
  it('asks for connections from exactly one address, and counts what was ended', async () => {
    const asked: (readonly string[])[] = [];
    const stdout = 'ESTAB 0 0 [2001:db8:1::2]:1 [2001:db8::1]:80\nSYN-SENT 0 1 [2001:db8:1::2]:2 [2001:db8::1]:80\n';
    const flows = linuxFlows({
      run: (argv) => {
        asked.push(argv);
        return okAsync({ exitCode: 0, stdout, stderr: '' });
      },
    });

    expect((await flows.abort('2001:db8:1::2', live()))._unsafeUnwrap()).toBe(2);

    expect(asked).toEqual([['ss', '-K', '-H', '-6', '-t', '-n', '-O', 'src', '[2001:db8:1::2]']]);
  });

  it.each(['192.0.2.1', '::/0', '2001:db8::2 or dport = 22', 'fe80::1%eth0', ''])('takes no "%s"', async (text) => {
    const host = new FakeHost();

    expect((await linuxFlows(host).abort(text, live()))._unsafeUnwrapErr().kind).toBe('misconfigured');
    expect(host.log).toEqual([]);
  });

  it('says how to get ss', async () => {
    const host = new FakeHost();
    host.missing.add('ss');

    expect((await linuxFlows(host).abort('2001:db8::2', live()))._unsafeUnwrapErr()).toEqual({
      kind: 'missing_tool',
      tool: 'ss',
      install: 'apt install iproute2',
    });
  });
});
