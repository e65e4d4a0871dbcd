import { expect, test } from 'vitest';
import type { ListenError } from '../contracts.js';
import { describeSocks5Error } from './error.js';

test.each<[string, ListenError, string]>([
  ['127.0.0.1', { kind: 'taken' }, 'cannot listen on 127.0.0.1:1080: another program has this port'],
  ['::1', { kind: 'not_permitted' }, 'is not permitted to listen on [::1]:1080'],
  ['192.0.2.1', { kind: 'no_address' }, 'cannot listen on 192.0.2.1:1080: this machine has no such address'],
  ['::1', { kind: 'failed', code: 'EMFILE' }, 'cannot listen on [::1]:1080 (EMFILE)'],
])('%s, %o', (address, error, end) => {
  const told = describeSocks5Error({ kind: 'listen', at: { address, port: 1080 }, error });

  expect(told).toBe(`The SOCKS5 proxy ${end}`);
});

test('a users file', () => {
  const fault = { kind: 'users_exposed', file: '/etc/users', mode: 0o644 } as const;

  expect(describeSocks5Error({ kind: 'users', fault })).toMatch(
    /^The users file \/etc\/users has mode 0644, .*chmod 600/,
  );
});
