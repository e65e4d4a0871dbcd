import { describeUsersFault, type UsersFault } from '../access/users-file.js';
import type { Endpoint, ListenError } from '../contracts.js';

/** Why there is no proxy. */
export type Socks5Error =
  | { readonly kind: 'users'; readonly fault: UsersFault }
  | { readonly kind: 'listen'; readonly at: Endpoint; readonly error: ListenError };

/** One sentence: what is wrong, and where. */
export function describeSocks5Error(error: Socks5Error): string {
  if (error.kind === 'users') return describeUsersFault(error.fault);
  const { address, port } = error.at;
  const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  switch (error.error.kind) {
    case 'taken':
      return `The SOCKS5 proxy cannot listen on ${place}: another program has this port`;
    case 'not_permitted':
      return `The SOCKS5 proxy is not permitted to listen on ${place}`;
    case 'no_address':
      return `The SOCKS5 proxy cannot listen on ${place}: this machine has no such address`;
    case 'failed':
      return `The SOCKS5 proxy cannot listen on ${place} (${error.error.code})`;
  }
}
