import { KEEP_ALIVE_DELAY } from '../limits.js';
import { ADDRESS_AT } from './arena.js';
import type { Descriptors } from './descriptors.js';
import type { FailedCall } from './protocol.js';
import { familyOf } from './socket-address.js';
import {
  EINPROGRESS,
  EINTR,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_NODELAY,
} from './sys.js';

/** What every connection is set to. On Linux those that are accepted have it from their listener. */
export function setUp(descriptors: Descriptors, fd: number): void {
  descriptors.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  keepAlive(descriptors, fd);
}

export function keepAlive(descriptors: Descriptors, fd: number): void {
  descriptors.setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  descriptors.setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_ALIVE_DELAY / 1_000);
}

/**
 * A socket on its way to `to`, from `source` and no other address; or which call failed, and nothing is open.
 * It is asked to keep alive once it has lived for a while (`Pair.look`): most have not.
 */
export function beginConnection(
  descriptors: Descriptors,
  to: Uint8Array,
  source: Uint8Array | null,
): { readonly fd: number } | { readonly call: FailedCall; readonly errno: number } {
  const { sys } = descriptors;
  const fd = sys.socket(familyOf(to), SOCK_STREAM);
  if (fd < 0) return { call: 'other', errno: -fd };
  descriptors.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const bound = source === null ? 0 : sys.bind(fd, ADDRESS_AT, descriptors.address(source));
  if (bound < 0) {
    descriptors.close(fd);
    return { call: 'bind', errno: -bound };
  }
  const begun = sys.connect(fd, ADDRESS_AT, descriptors.address(to));
  // connect(2): interrupted, it goes on all the same.
  if (begun >= 0 || begun === -EINPROGRESS || begun === -EINTR) return { fd };
  descriptors.close(fd);
  return { call: 'other', errno: -begun };
}
